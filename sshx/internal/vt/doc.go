// Package vt is a screen model: it follows the output of a terminal session and can say at any moment which
// bytes would draw the present screen on an empty terminal. Those bytes are the key frame of a late or
// returning viewer.
//
// [Tracker] is the part that a connection uses: output is only noted on the hot path and parsed later, in
// large pieces. [Terminal] is the model itself.
//
// It is no terminal emulator to look at: it answers no query, draws nothing, and ignores what has no effect on
// the picture. It follows xterm.js 6 where terminals differ, because that is what draws the key frame. Escape
// sequences are parsed by github.com/charmbracelet/x/ansi; text runs and control strings take paths of their
// own, the first for speed, the second because their length is the target's choice.
//
// Characters join to clusters, and take one cell or two, by the rules of the terminal's add-on for graphemes; its
// table of Unicode properties is clusters.txt, which the client's tests write and check.
//
// Everything is bounded (S21): cells by the size, scroll-back by lines and bytes, marks by cell, links (OSC 8) by
// number and bytes, strings and parameters by constants. No input makes it panic.
//
// Not modelled: palette changes (OSC 4, 10 to 12), images, underline colours, character protection, and reflow of the
// visible lines on a resize.
package vt
