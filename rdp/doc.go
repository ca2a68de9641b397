// Package rdp is a client of the Remote Desktop Protocol in pure Go.
//
// [Dial] connects, checks the server's certificate, signs in and activates the desktop. [Client.Next] then returns what the server shows
// and says, one [Update] after the other, pictures still coded; a [Framebuffer] draws them where pixels are wanted. What the user does
// goes the other way by [Client.Key], [Client.Mouse] and their kin, from any goroutine.
//
// Services beside the desktop are there when the Config asks for them: the clipboard ([Client.OfferText], [Client.FetchText]), a
// drive ([Drive], package drive), sound ([Client.NextSound]), a desktop of another size ([Client.Resize]). Each says [ErrNotOffered] where the server has no such thing.
//
// Nothing secret leaves before the server's identity is settled ([Config.Pins], [Config.RootCAs], [Config.ConfirmCertificate]; the zero
// [Config] trusts nobody), and nothing that a server sends can crash the process or take memory beyond the limits of this package.
// Every failure is an [*Error] with a [Code].
//
// Sections in comments are those of [MS-RDPBCGR] unless another document is named.
package rdp
