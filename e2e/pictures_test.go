package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

var (
	diagram = regexp.MustCompile("(?s)```mermaid\n(.*?)```")
	image   = regexp.MustCompile(`!\[([^\]]*)\]\(([^):]+)\)`)
)

// pageWidth is the width of a document on GitHub, in pixels.
const pageWidth = 830

// smallestText is the size of the smallest text in a picture, in pixels.
const smallestText = 8

// draw draws a diagram as GitHub does, in light or dark colours, and returns the size of its
// text.
const draw = `(async () => {
	mermaid.initialize({startOnLoad: false, securityLevel: 'strict', theme: %[2]q == 'dark' ? 'dark' : 'default'})
	document.body.style = 'margin: 20px; font-family: sans-serif; background: ' + (%[2]q == 'dark' ? '#0d1117' : '#ffffff')
	const {svg} = await mermaid.render('picture', %[1]q)
	document.body.innerHTML = '<div style="width: %[3]dpx">' + svg + '</div>'
	const drawn = document.querySelector('svg')
	return 16 * Math.min(1, drawn.getBoundingClientRect().width / drawn.viewBox.baseVal.width)
})()`

// Every diagram of the documents can be drawn, and its text is large enough to read. The
// diagrams and the other pictures are on the contact sheet, in light and dark colours.
func TestPicturesOfDocuments(t *testing.T) {
	t.Parallel()
	b := open(t, &site{})
	b.do(chromedp.EmulateViewport(pageWidth+40, 800))
	b.do(chromedp.Evaluate[chromedp.Void](installed(t, "@mermaid-js/tiny/dist/mermaid.tiny.js")))
	documents, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	diagrams := 0
	for _, document := range append(documents, "../README.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(document, "../")
		for i, found := range diagram.FindAllStringSubmatch(string(text), -1) {
			diagrams++
			for _, scheme := range []string{"light", "dark"} {
				size, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](fmt.Sprintf(draw, found[1], scheme, pageWidth), chromedp.EvalAwaitPromise))
				if err != nil {
					t.Errorf("%s, diagram %d, %s: %v\n%s", name, i+1, scheme, err, found[1])
					continue
				}
				if size < smallestText {
					t.Errorf("%s, diagram %d: its text is %.1f pixels high on a page of %d pixels, want at least %d", name, i+1, size, pageWidth, smallestText)
				}
				b.shoot("documents", fmt.Sprintf("%s, diagram %d", name, i+1), scheme)
			}
		}
		for _, found := range image.FindAllStringSubmatch(string(text), -1) {
			picture, err := os.ReadFile(filepath.Join(filepath.Dir(document), found[2]))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if found[1] == "" {
				t.Errorf("%s: the picture %s has no alternative text", name, found[2])
			}
			kind := map[string]string{".png": "image/png", ".svg": "image/svg+xml"}[filepath.Ext(found[2])]
			for _, scheme := range []string{"light", "dark"} {
				b.look(pageWidth+40, scheme)
				width := run(b, chromedp.Evaluate[int](fmt.Sprintf(`(async () => {
					document.body.style = 'margin: 20px; background: ' + (%q == 'dark' ? '#0d1117' : '#ffffff')
					document.body.innerHTML = '<img style="max-width: 100%%" src="data:%s;base64,%s">'
					const img = document.querySelector('img')
					await img.decode()
					return img.naturalWidth
				})()`, scheme, kind, base64.StdEncoding.EncodeToString(picture)), chromedp.EvalAwaitPromise))
				if width == 0 {
					t.Errorf("%s: the picture %s is not drawn", name, found[2])
				}
				b.shoot("documents", name+", "+found[2], scheme)
			}
		}
	}
	if diagrams == 0 {
		t.Error("the documents have no diagrams")
	}
}
