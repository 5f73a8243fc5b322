package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Only the field with the error has the colour of errors and the focus.
func TestErrorIsSeenAtItsField(t *testing.T) {
	d := start(t)
	b := open(t, d)
	for _, scheme := range []string{"light", "dark"} {
		b.look(390, scheme)
		b.visit("/signup")
		if status := b.submit(".primary", "name", "ann", "password", "password1"); status != 400 {
			t.Fatalf("status %d", status)
		}
		b.shows("Many people have this password")
		got := run(b, chromedp.Evaluate[string](`(() => {
			const border = id => getComputedStyle(document.getElementById(id)).borderColor
			const bad = getComputedStyle(document.querySelector('.wrong')).color
			return [document.activeElement.id, border('password') == bad, border('name') == bad,
				document.querySelector('.wrong').getBoundingClientRect().top > document.activeElement.getBoundingClientRect().bottom].join()
		})()`))
		if got != "password,true,false,true" {
			t.Errorf("%s: focus, red password, red name, message below: %s", scheme, got)
		}
		b.fits()
	}
	b.quiet(true)
}

// A very long name makes no page wider than the window.
func TestLongNameFits(t *testing.T) {
	d := start(t)
	b := open(t, d)
	name := strings.Repeat("abcdefghij", 7) + "xyz"
	b.visit("/signup")
	b.submit(".primary", "name", name, "password", password)
	for _, width := range []int64{1280, 390, 320} {
		b.look(width, "light")
		for _, path := range []string{"/account", "/", "/cart", "/nowhere", "/admin"} {
			b.visit(path)
			b.fits()
		}
	}
}

// A printed cart has its products and no buttons.
func TestPaper(t *testing.T) {
	b := open(t, start(t))
	b.visit("/cart")
	b.load(chromedp.Click(chromedp.CSS(".products button")))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	if err != nil {
		t.Fatal(err)
	}
	got := run(b, chromedp.Evaluate[string](`(() => {
		const shown = query => [...document.querySelectorAll(query)].filter(e => e.getClientRects().length).length
		return [shown('.stepper output'), shown('button'), shown('.menu')].join()
	})()`))
	if got != "1,0,0" {
		t.Errorf("counts, buttons and menus on paper: %s, want 1,0,0", got)
	}
}
