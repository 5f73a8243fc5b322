// Package i18n translates an application's messages and formats its numbers, money, dates
// and times, as webapp2_extras.i18n did. It reads the catalogues that gettext and Babel
// write.
//
//	package main
//
//	import (
//		"fmt"
//		"log"
//		"os"
//		"time"
//
//		"github.com/go-playground/locales/de"
//		"github.com/go-playground/locales/en"
//
//		"github.com/webapp2go/webapp2go/i18n"
//	)
//
//	func main() {
//		locales, err := i18n.New(i18n.Config{
//			FS:      os.DirFS("."), // or an embed.FS
//			Dir:     "locale",      // locale/de/LC_MESSAGES/messages.mo, ...
//			Default: "en",
//			Sources: []i18n.Source{i18n.Stored, i18n.Cookie("lang"), i18n.AcceptLanguage},
//			Formats: []i18n.Format{en.New(), de.New()},
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		locale := locales.Default() // in a handler: locales.ForRequest
//		fmt.Println(locale.T("Hello, %(name)s!", "name", "Ann"))
//		fmt.Println(locale.N("One message", "%(num)s messages", 2))
//		fmt.Println(locale.Date(time.Now(), "long"))
//	}
//
// New reads everything once, and reports all mistakes of the configuration and of the
// catalogues together. After that nothing is read and nothing is locked: a [Locale] is safe
// for concurrent use.
//
// # Messages
//
// A message is its own text in the language of the source, and is translated by looking it
// up. Values are written %(name)s, as in Python, so that the catalogues of an older
// application stay valid; after the message come the names and values. Two percent signs are
// one. A message without a translation is looked up in the catalogue of the default locale,
// but not for readers of English, and is then shown as it is.
//
// [Lazy] makes a [Message] that is translated when it is shown: a package variable, an
// error, a flash that the next page shows in whatever language that has.
//
// # Templates
//
// [templates.ParseIn] takes the Locales and parses the pages of a site for each locale;
// docs/i18n.md shows the whole. For another set of templates, [Locale.Funcs] are the functions.
// Values are escaped by html/template wherever they stand.
//
//	<html lang="{{lang}}" dir="{{dir}}">
//	{{t "Hello, %(name)s!" "name" .User.Name}}
//	{{n "One entry" "%(num)s entries" .Count}}
//	{{money .Price "EUR"}}, {{date .Created "long"}}
//
// Package i18n/extract finds the messages of templates and Go files for the catalogues.
//
// The package example formats and translates for a request.
package i18n
