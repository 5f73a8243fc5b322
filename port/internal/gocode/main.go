package gocode

import (
	"bytes"
	"fmt"
	"strings"
)

// longestAge is the longest age of a session that is written, in seconds. A Duration
// cannot be longer than 292 years.
const longestAge = 100 * 365 * 24 * 60 * 60

// main writes main.go.
func (w *writer) main() string {
	var b bytes.Buffer
	b.WriteString(`// The web application that was ported from webapp2. REPORT.md says what is left to do.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"time"

	"` + home + `/framework"
	"` + home + `/handlers"
	"` + home + `/sessions"
	"` + home + `/templates"
)

func main() {
	app, err := newApp()
	if err != nil {
		log.Fatal(err)
	}
	if err := framework.Serve(context.Background(), app); err != nil {
		log.Fatal(err)
	}
}

// newApp makes the application. The environment variable SESSION_KEY has the keys that sign
// the sessions' cookies: "openssl rand -base64 32" prints one.
func newApp() (*framework.App, error) {
	cloud := os.Getenv("GAE_ENV") != "" || os.Getenv("K_SERVICE") != ""
	keys := []sessions.Key{sessions.RandomKey()}
	if text := os.Getenv("SESSION_KEY"); text != "" {
		var err error
		if keys, err = sessions.ParseKeys(text); err != nil {
			return nil, err
		}
	} else if cloud {
		return nil, errors.New("SESSION_KEY is not set: every instance needs the same key")
	}
	manager, err := sessions.New(sessions.Config{
		Keys: keys,
		Sessions: []sessions.Spec{
`)
	for _, spec := range w.app.Sessions() {
		b.WriteString("{\n")
		for _, field := range []struct{ name, value string }{
			{"Name", fmt.Sprintf("%q", spec.Name)},
			{"Backend", "sessions.NewMemory(), // TODO: sessions/datastore or another that all instances share"},
			{"AbsoluteTimeout", fmt.Sprintf("%d * time.Second", spec.MaxAge)},
			{"Domain", fmt.Sprintf("%q", spec.Domain)},
			{"Path", fmt.Sprintf("%q", spec.Path)},
			{"Insecure", "!cloud"},
		} {
			switch {
			case field.name == "Backend" && spec.Cookie, field.name == "AbsoluteTimeout" && (spec.MaxAge <= 0 || spec.MaxAge > longestAge), field.value == `""`:
			case field.name == "Backend":
				b.WriteString("Backend: " + field.value + "\n")
			default:
				b.WriteString(field.name + ": " + field.value + ",\n")
			}
		}
		b.WriteString("},\n")
	}
	b.WriteString(`},
	})
	if err != nil {
		return nil, err
	}
	pages, err := templates.Parse(nil, nil) // TODO: os.DirFS("pages")
	if err != nil {
		return nil, err
	}
	site := &handlers.Site{Sessions: manager, Templates: pages}
	app := framework.New()
	app.Init = site.Init
`)
	for _, name := range w.appFuncs {
		b.WriteString(name + "(app)\n")
	}
	for _, app := range w.app.Apps {
		for _, e := range app.Errors {
			fmt.Fprintf(&b, "// TODO %s:%d: app.Errors[%d] for %s\n", e.File, e.Line, e.Status, strings.Join(strings.Fields(e.Source), " "))
		}
	}
	if w.ownsStatic() {
		b.WriteString("// site.Pages(app) adds the site's error pages; it needs the name and the path of static.\n")
	} else {
		b.WriteString("site.Pages(app)\n")
	}
	b.WriteString("return app, nil\n}\n")
	text := b.String()
	if !strings.Contains(text, "time.Second") {
		text = strings.Replace(text, "\t\"time\"\n", "", 1)
	}
	return text
}

// ownsStatic reports whether a route has the name or the path of the site's static files.
func (w *writer) ownsStatic() bool {
	for path := range w.paths {
		if strings.HasPrefix(path, " /static/<:") {
			return true
		}
	}
	for c := range w.routesOf {
		for _, u := range w.routesOf[c] {
			if u.route.Name == "static" {
				return true
			}
		}
	}
	return false
}
