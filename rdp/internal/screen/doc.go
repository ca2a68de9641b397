// Package screen is the coded framebuffer of a desktop: what of a server's picture is visible, in the server's own coding, so that it can
// be passed on to any viewer at any time without being decoded and coded again.
//
// A picture travels in units, each of which stands alone: the size of the desktop, a rectangle with its codec, a single RemoteFX
// tile with what it needs. Append functions write units into a payload, a [Board] keeps those that can still be seen, and gives them back
// as a key frame or as what has changed since a payload; [Draw] draws payloads, which is what a browser does too.
package screen
