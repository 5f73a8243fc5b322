package e2e

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// sheetFolder is the folder of the contact sheet. Git ignores it.
const sheetFolder = "../bin/pages"

// forms are the windows and colours in which each page is inspected. Colours do not
// depend on the width, so axe-core checks two of the four forms.
var forms = []struct {
	width  int64
	scheme string
	check  bool
}{{1280, "light", true}, {1280, "dark", false}, {390, "light", false}, {390, "dark", true}}

// A shot is a picture on the contact sheet.
type shot struct{ section, name, file string }

var (
	shotsMutex sync.Mutex
	shots      []shot // in the order in which they were taken
)

// keepShot puts a picture on the contact sheet.
func keepShot(t *testing.T, section, name, form string, picture []byte) {
	t.Helper()
	file := fileName(section+" "+name+" "+form) + ".jpg"
	if err := os.MkdirAll(sheetFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(sheetFolder, file), picture, 0o644); err != nil {
		t.Fatal(err)
	}
	shotsMutex.Lock()
	defer shotsMutex.Unlock()
	shots = append(shots, shot{section, name, file})
}

var noName = regexp.MustCompile(`[^a-z0-9]+`)

func fileName(text string) string {
	return strings.Trim(noName.ReplaceAllString(strings.ToLower(text), "-"), "-")
}

// writeSheet writes the contact sheet, if there are pictures for it.
func writeSheet() error {
	if len(shots) == 0 {
		return nil
	}
	var sections []string
	names := map[string][]string{}
	files := map[[2]string][]string{}
	for _, s := range shots {
		if names[s.section] == nil {
			sections = append(sections, s.section)
		}
		key := [2]string{s.section, s.name}
		if files[key] == nil {
			names[s.section] = append(names[s.section], s.name)
		}
		files[key] = append(files[key], s.file)
	}
	var out bytes.Buffer
	out.WriteString(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Contact sheet</title>
<style>
body { margin: 2rem; background: #888; color: #000; font: 1rem/1.5 system-ui, sans-serif; }
div { display: flex; flex-wrap: wrap; gap: 1rem; align-items: start; }
img { display: block; max-height: 60rem; }
</style>
<h1>Contact sheet</h1>
<p>Each page at 1280 and 390 px, light and dark. A click shows the whole picture.</p>
`)
	for _, section := range sections {
		fmt.Fprintf(&out, "<h2>%s</h2>\n", html.EscapeString(section))
		for _, name := range names[section] {
			fmt.Fprintf(&out, "<h3>%s</h3>\n<div>\n", html.EscapeString(name))
			for _, file := range files[[2]string{section, name}] {
				fmt.Fprintf(&out, "<a href=\"%[1]s\"><img src=\"%[1]s\" alt=\"%[1]s\" loading=\"lazy\"></a>\n", file)
			}
			out.WriteString("</div>\n")
		}
	}
	return os.WriteFile(filepath.Join(sheetFolder, "index.html"), out.Bytes(), 0o644)
}

// installed returns a file of a package that npm has installed.
func installed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("node_modules", name))
	if err != nil {
		t.Fatalf("%v: make e2e installs it, and so does npm ci in the folder e2e", err)
	}
	return string(text)
}

// An inspector checks the pages of one section of the contact sheet.
type inspector struct {
	*browser
	section string
	sources string // the folder for the HTML of the pages
}

// inspect checks the page that the browser shows, and adds it to the contact sheet. The
// page must have the status and fit into every window, and axe-core must find nothing in
// light and dark colours. inspect keeps the HTML for html-validate.
func (i inspector) inspect(name string, status, want int64) {
	t := i.t
	t.Helper()
	if status != want {
		t.Errorf("%s, %s: status %d, want %d", i.section, name, status, want)
	}
	source := filepath.Join(i.sources, fileName(i.section+" "+name)+".html")
	if err := os.WriteFile(source, i.source(), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, width := range []int64{768, 360, 320} {
		i.look(width, "light")
		i.fits()
	}
	for _, form := range forms {
		i.look(form.width, form.scheme)
		i.fits()
		if form.check {
			for _, finding := range i.findings() {
				t.Errorf("%s, %s, %d px, %s: %s", i.section, name, form.width, form.scheme, finding)
			}
		}
		i.shoot(i.section, name, fmt.Sprint(form.width, " ", form.scheme))
	}
	i.look(1280, "light")
}

// visitAndInspect goes to a page and inspects it.
func (i inspector) visitAndInspect(name, path string, want int64) {
	i.t.Helper()
	i.inspect(name, i.visit(path), want)
}

// source returns the HTML of the page as the server has sent it.
func (b *browser) source() []byte {
	b.t.Helper()
	tree, err := chromedp.Call(b.ctx, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		b.t.Fatal(err)
	}
	// The request of a page has the id of its loader.
	request := network.RequestID(tree.FrameTree.Frame.LoaderID)
	body, err := chromedp.Call(b.ctx, network.GetResponseBody, network.GetResponseBodyParams{RequestID: request})
	if err != nil {
		b.t.Fatal(err)
	}
	return body.Body
}

// findings returns what axe-core finds on the page: violations of WCAG and of good practice.
func (b *browser) findings() []string {
	b.t.Helper()
	if !run(b, chromedp.Evaluate[bool]("'axe' in window")) {
		b.do(chromedp.Evaluate[chromedp.Void](installed(b.t, "axe-core/axe.min.js")))
	}
	return run(b, chromedp.Evaluate[[]string](`axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(
		rule => rule.id + ': ' + rule.help + rule.nodes.map(node => '\n\t' + node.html.slice(0, 200) + '\n\t' + node.failureSummary.replaceAll('\n', ' ')).join('')))`,
		chromedp.EvalAwaitPromise))
}

// validate reports what html-validate finds in the HTML files of a folder.
func validate(t *testing.T, folder string) {
	t.Helper()
	installed(t, "html-validate/package.json")
	command := exec.Command("node", "node_modules/html-validate/bin/html-validate.mjs", "--config=htmlvalidate.json", "--formatter=text", folder)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("html-validate: %v\n%s", err, bytes.ReplaceAll(out, []byte(folder+"/"), nil))
	}
}
