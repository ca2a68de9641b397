package toolbar

import "strings"

// loading is what the session page says where its client does not come: a part of it is gone since the page was made,
// or the network is slow. It shows by itself, without a script.
type loading struct{ Lang, Title, Text, Reload, Script string }

// loadings are in the order of the client's catalogues; the first is for whoever reads none of them.
var loadings = []loading{
	{
		"en", "This page has not loaded", "A part of it is missing, or the network is slow. Your session is not lost.",
		"Reload the page", "This page needs JavaScript.",
	},
	{
		"de", "Diese Seite wurde nicht geladen", "Ein Teil von ihr fehlt, oder das Netz ist langsam. Ihre Sitzung ist nicht verloren.",
		"Seite neu laden", "Diese Seite braucht JavaScript.",
	},
	{
		"fr", "Cette page ne s’est pas chargée", "Il en manque une partie, ou le réseau est lent. Votre session n’est pas perdue.",
		"Recharger la page", "Cette page a besoin de JavaScript.",
	},
	{
		"es", "Esta página no se ha cargado", "Falta una parte, o la red es lenta. Su sesión no se ha perdido.",
		"Volver a cargar la página", "Esta página necesita JavaScript.",
	},
	{
		"ja", "ページを読み込めませんでした", "一部が見つからないか、ネットワークが遅くなっています。セッションは失われていません。",
		"ページを再読み込み", "このページには JavaScript が必要です。",
	},
}

// loadingFor chooses by Accept-Language: the first language of the list that there is, as the client does with the
// languages of the browser.
func loadingFor(accept string) loading {
	for part := range strings.SplitSeq(accept, ",") {
		tag, _, _ := strings.Cut(part, ";")
		lang, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
		for _, l := range loadings {
			if strings.EqualFold(lang, l.Lang) {
				return l
			}
		}
	}
	return loadings[0]
}
