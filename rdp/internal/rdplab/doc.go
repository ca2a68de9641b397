// Package rdplab runs real RDP servers for tests: xrdp, FreeRDP's shadow server, weston and GNOME's remote desktop, and xfreerdp as an
// independent client beside them.
//
// Each server lives in a [Box]: processes, network and mounts of its own, which are gone with the test, also when the test is killed.
// Ports, display numbers and sockets are therefore never taken by somebody else. Ways in are [StartXrdp], [StartShadow], [StartWeston] and
// [StartGNOME]; all need root and the Debian packages that .ci/install.sh names.
//
// The screen stands still unless it is asked to move, so that what a client draws can be compared: with the screen itself where that is an X
// server ([Server.Screen]), and with what xfreerdp shows ([Box.XFreeRDP]).
package rdplab
