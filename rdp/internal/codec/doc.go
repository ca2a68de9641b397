// Package codec decodes the pictures that RDP servers send in bitmap updates and surface bits: raw pixels, interleaved RLE
// ([MS-RDPBCGR] 3.1.9), RDP 6.0 planar ([MS-RDPEGDI] 3.1.9), NSCodec ([MS-RDPNSC]) and RemoteFX ([MS-RDPRFX]).
//
// A caller says where to draw with a [Target]; its size is known, and has met its limit, before anything is decoded, so a
// decoder takes no memory that the stream asks for. Decoders keep nothing between calls, but for RemoteFX, whose headers come
// once per connection. What is left of a Target after an error is undefined. None of them panics, whatever the bytes are.
package codec
