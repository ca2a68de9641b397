// Package toolbar serves the browser side of Sallyport: the page of a session, with its terminal and its toolbar,
// and the web components that a host puts on pages of its own.
//
// Hand a UI to the broker and it serves the session page under s/{id} and the client's files under assets/:
//
//	ui, err := toolbar.New(toolbar.Config{})
//	if err != nil { … }
//	broker, err := pam.New(pam.Config{UI: ui, …})
//	mux.Handle("/pam/", http.StripPrefix("/pam", broker.Handler()))
//
// A page of the host loads the components from the same place and uses them like any other element; they find the
// API from the address of their own bundle:
//
//	<script type="module" src="/pam/assets/index.js"></script>
//	<sp-access-button asset="web-01"></sp-access-button>
//
// The file index.d.ts beside the bundle declares the elements and their events for hosts that write TypeScript.
//
// # Building the client
//
// The client is written in TypeScript (folder web) and is not committed in its built form. In a checkout,
// go generate ./toolbar builds it into dist, from where it is embedded. A host that got the module from a proxy builds
// it with
//
//	go run github.com/sallyport/sallyport/toolbar/build -out webassets
//
// embeds the result itself and names it in Config.Assets. Both need Node 20 or later with npm. Without either, New
// answers ErrNoAssets.
//
// # Content policy
//
// The session page comes with a policy of its own, which forbids everything but the gateway's own scripts, sockets
// and, by a nonce, the two style elements that the terminal makes. On a host's own page the host's policy counts;
// PagePolicy writes what the components need. The access button and the launcher work under
//
//	default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none';
//	require-trusted-types-for 'script'; trusted-types lit-html sallyport
//
// and need nothing for styles, since they use constructed style sheets. A session that is embedded (sp-session, or the
// window type "embedded" of the launcher) needs besides
//
//	style-src-elem 'nonce-…'
//
// with a nonce that some script, style or link element of the page carries, from which the terminal takes it, and
//
//	script-src 'self' 'wasm-unsafe-eval'
//
// in place of the line above, for desktops: without it their pictures are decoded by a slower way, and the browser's
// console says what was refused.
//
// # Middleware
//
// The broker's WebSocket needs the connection. Middleware that wraps the ResponseWriter must let it through with a
// method Unwrap() http.ResponseWriter, as http.ResponseController asks for; the log names a wrapper that does not. The
// files under assets are compressed already, and say so.
//
// # A new build
//
// Files under hashed names never change and are kept by browsers; after a deploy the names of the former build are
// not found any more. A session page that meets this, or that comes back from a lost connection to a gateway with
// another build, says so and reloads itself: once, and if nothing that was typed would be lost. The session waits.
// A page whose very first script is gone says so too, without a script, and offers to be loaded anew.
package toolbar

//go:generate go run ./build
