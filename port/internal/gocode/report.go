package gocode

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/webapp2go/webapp2go/port/internal/source"
)

const docs = "https://github.com/webapp2go/webapp2go/blob/main/docs/"

// Report returns the text of REPORT.md. The status is its first line: whether the module
// builds and passes Check. dir is the folder of the application.
func (m *Module) Report(status, dir string) []byte {
	app := m.app
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n\n# What was ported, and what is left\n\n", status)
	fmt.Fprintf(&b, "Read: %d Python files. Written: %d routes, %d handler types, %d methods that serve requests. ", len(app.Files), m.Routes, m.Types, m.Verbs)
	fmt.Fprintf(&b, "In the sources %d places look like routes: %d are converted, %d are listed under \"Not converted\".\n\n", app.RouteLike, app.Converted, app.RouteLike-app.Converted)
	b.WriteString("Every method responds with the status 501 until you port its Python, which is a comment in it. A Guard refuses all requests until you port it.\n")

	section(&b, "Not converted", app.Unconverted, "Everything that looks like a route was converted.")
	if len(app.Broken) > 0 {
		section(&b, "Not readable", app.Broken, "")
	}
	if len(app.Notes) > 0 {
		section(&b, "Converted, and different", app.Notes, "")
	}

	b.WriteString("\n## What the application uses, the most expensive first\n\n")
	b.WriteString("\"Days\": you must choose a replacement, or there is none. \"Hours\": you write some code, or there is a pitfall. \"Lines\": you replace single lines.\n\n")
	b.WriteString("| feature | uses | cost | here | places |\n| --- | ---: | --- | --- | --- |\n")
	for _, use := range app.Features {
		here := use.Feature.Here
		if here == "" {
			here = "Nothing: use another service"
		}
		var places []string
		for i, p := range use.Places {
			if i == 3 {
				places = append(places, "...")
				break
			}
			places = append(places, fmt.Sprintf("%s:%d", p.File, p.Line))
		}
		fmt.Fprintf(&b, "| %s | %d | %s | [%s](%s%s) | %s |\n", use.Feature.Title, len(use.Places), use.Feature.Cost, here, docs, use.Feature.Page, strings.Join(places, ", "))
	}

	var pages []source.Finding
	for _, name := range app.Templates {
		if page, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err == nil && source.HasInline(page) {
			pages = append(pages, source.Finding{File: name, Text: "has a script, a style or an address of another host in it: set Site.CSP, or move them into files"})
		}
	}
	if len(app.Templates) > 0 {
		fmt.Fprintf(&b, "\n## Pages\n\n%d of %d HTML files have scripts or styles that the usual Content-Security-Policy stops.\n\n", len(pages), len(app.Templates))
		list(&b, pages)
	}

	b.WriteString("\n## Secrets\n\nNo secret of the sources was copied. SESSION_KEY in the environment signs the cookies of sessions; the old secret_key is for [Import](" + docs + "migrating.md#session-cookies).\n\n")
	secrets := app.Secrets()
	for _, secret := range slices.SortedFunc(maps.Keys(secrets), func(x, y string) int {
		a, b := secrets[x], secrets[y]
		return strings.Compare(fmt.Sprintf("%s %8d", a.File, a.Line), fmt.Sprintf("%s %8d", b.File, b.Line))
	}) {
		f := secrets[secret]
		fmt.Fprintf(&b, "- %s:%d: %s\n", f.File, f.Line, code(f.Source))
	}

	b.WriteString("\n## Checks before the action\n\nDecorators and overrides of dispatch became a Guard that refuses.\n\n")
	for _, c := range app.Classes {
		if !c.Guarded() {
			continue
		}
		for _, method := range c.Methods {
			if method.Name == "dispatch" && method.Alias == "" && method.Delegation() == source.Refuses {
				fmt.Fprintf(&b, "- %s:%d: %s.dispatch\n", c.Module.File, method.Line, c.Name)
			}
			for _, check := range method.Checks() {
				fmt.Fprintf(&b, "- %s:%d: %s.%s: %s\n", c.Module.File, method.Line, c.Name, method.Name, code("@"+strings.Join(strings.Fields(check), " ")))
			}
		}
	}
	if app.YAML != nil {
		b.WriteString("\n## app.yaml\n\n")
		for _, h := range app.YAML.Handlers {
			switch {
			case h.Login != "":
				fmt.Fprintf(&b, "- %s:%d: login: %s for %s: a Guard\n", app.YAML.File, h.Line, h.Login, code(h.URL))
			case h.StaticDir != "" || h.Static != "":
				fmt.Fprintf(&b, "- %s:%d: static files at %s: leave it in app.yaml, or move them into pages/static\n", app.YAML.File, h.Line, code(h.URL))
			case h.Script != "":
				fmt.Fprintf(&b, "- %s:%d: script %s for %s: script: auto\n", app.YAML.File, h.Line, code(h.Script), code(h.URL))
			}
		}
		for _, s := range app.YAML.Services {
			fmt.Fprintf(&b, "- %s: inbound service %s\n", app.YAML.File, code(s))
		}
	}
	if len(app.Jobs) > 0 {
		b.WriteString("\n## Jobs and queues\n\n")
		for _, j := range app.Jobs {
			what := "embed [handlers.TaskHandler](" + docs + "appengine.md#tasks) in the handlers of its tasks"
			if j.File == "cron.yaml" {
				what = "embed [handlers.CronHandler](" + docs + "appengine.md#services) in its handler"
			}
			fmt.Fprintf(&b, "- %s:%d: %s: %s\n", j.File, j.Line, code(oneLine(j.Name)), what)
		}
	}
	if len(app.Skipped) > 0 {
		b.WriteString("\n## Not read\n\n")
		for _, s := range app.Skipped {
			fmt.Fprintf(&b, "- %s\n", s)
		}
	}
	return []byte(redactAll(app, b.String()))
}

func section(b *bytes.Buffer, title string, findings []source.Finding, none string) {
	fmt.Fprintf(b, "\n## %s\n\n", title)
	if len(findings) == 0 {
		b.WriteString(none + "\n")
		return
	}
	list(b, findings)
}

func list(b *bytes.Buffer, findings []source.Finding) {
	for _, f := range findings {
		fmt.Fprintf(b, "- %s", f.File)
		if f.Line > 0 {
			fmt.Fprintf(b, ":%d", f.Line)
		}
		b.WriteString(": " + f.Text)
		if f.Source != "" {
			b.WriteString(": " + code(f.Source))
		}
		b.WriteString("\n")
	}
}

// code quotes Python for Markdown.
func code(s string) string {
	if strings.Contains(s, "`") {
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}
