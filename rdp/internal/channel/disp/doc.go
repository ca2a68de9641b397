// Package disp asks a server for a desktop of another size, over the dynamic channel of display control ([MS-RDPEDISP]): the client's side.
//
// New returns the Processor of the channel Name. Layout is what is said; the server answers by making its desktop anew. PDUs encode and
// decode both ways, for servers in tests.
package disp
