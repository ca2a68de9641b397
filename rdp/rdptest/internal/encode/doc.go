// Package encode makes what an RDP server sends of a picture: interleaved RLE ([MS-RDPBCGR] 2.2.9.1.1.3.1.2.4), RDP 6.0 planar
// ([MS-RDPEGDI] 2.2.2.5), NSCodec ([MS-RDPNSC]) and RemoteFX ([MS-RDPRFX]).
//
// A picture is an image.RGBA of any bounds; its alpha is only looked at where a stream can carry it. The encoders are those of a
// test server: each uses all that its format has, so that a client's decoder meets all of it, and none is tuned for speed. What
// they make is checked against the decoders of package codec, and on the screen of a client that somebody else has written.
package encode
