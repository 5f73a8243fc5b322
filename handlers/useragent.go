package handlers

import (
	"cmp"
	"strings"

	"github.com/webapp2go/webapp2go/templates"
)

// Browsers and systems are found by a part of the User-Agent header. The first row that
// matches wins, because a browser also names those that it wants to be taken for.
var (
	browserNames = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"},
		{"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chromium/", "Chromium"},
		{"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
	systemNames = [][2]string{
		{"Android", "Android"}, {"iPhone", "iOS"}, {"iPad", "iPadOS"}, {"CrOS", "ChromeOS"},
		{"Windows", "Windows"}, {"Macintosh", "macOS"}, {"Linux", "Linux"},
	}
)

// browserName returns a description of a browser such as "Firefox on Linux", by its
// User-Agent header. Versions are left out: browsers freeze them.
func browserName(l templates.Locale, agent string) string {
	find := func(names [][2]string) string {
		for _, name := range names {
			if strings.Contains(agent, name[0]) {
				return name[1]
			}
		}
		return ""
	}
	browser, system := cmp.Or(find(browserNames), l.T("Unknown browser")), find(systemNames)
	if system == "" {
		return browser
	}
	return l.T("%(browser)s on %(system)s", "browser", browser, "system", system)
}
