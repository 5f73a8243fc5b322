// Package builtin has the German and French translations of what package handlers shows and
// mails: its pages, forms, flashes, error pages and mails, and what package auth says of a
// name, an address or a password. A program that does not import it links none of them.
//
//	locales, err := i18n.New(i18n.Config{
//		Default:   "en",
//		Locales:   []string{"de", "fr"},
//		Libraries: []fs.FS{builtin.Messages},
//	})
//
// To translate them into another language, begin with webapp2go.pot of this folder:
//
//	msginit -l pl -i webapp2go.pot -o locale/pl/LC_MESSAGES/webapp2go.po
//
// and add "webapp2go" to the Domains of i18n.Config. A translation in a catalogue of the
// application replaces one of this package.
package builtin

import (
	"embed"
	"io/fs"
)

//go:embed de fr
var files embed.FS

// Messages are the catalogues, for i18n.Config.Libraries.
var Messages fs.FS = files
