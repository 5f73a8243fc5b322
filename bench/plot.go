package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A plot is an SVG that follows the light or dark scheme of its reader. It has a
// background of its own, because the page around it may have the other scheme.
type plot struct {
	strings.Builder
}

const plotStyle = `<style>
svg { --back: #ffffff; --text: #1f2328; --weak: #59636e; --grid: #d1d9e0; --ours: #0969da; --peer: #8c959f;
  --gorilla: #bc4c00; --chi: #8250df; --gin: #1a7f37; --echo: #bf3989; }
@media (prefers-color-scheme: dark) {
  svg { --back: #0d1117; --text: #f0f6fc; --weak: #9198a1; --grid: #3d444d; --ours: #58a6ff; --peer: #6e7681;
    --gorilla: #f0883e; --chi: #bc8cff; --gin: #3fb950; --echo: #ff7bbf; }
}
text { font: 12px system-ui, sans-serif; fill: var(--text); }
.weak { fill: var(--weak); } .title { font-weight: 600; } .end { text-anchor: end; } .middle { text-anchor: middle; }
.grid { stroke: var(--grid); } .floor { stroke: var(--text); stroke-width: 1.5; }
.line { fill: none; stroke-width: 2; }
</style>`

func newPlot(width, height int, title string) *plot {
	p := new(plot)
	fmt.Fprintf(p, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%d" role="img">`+"\n<title>%s</title>\n%s\n", width, height, title, plotStyle)
	fmt.Fprintf(p, `<rect width="%d" height="%d" style="fill: var(--back)"/>`+"\n", width, height)
	return p
}

func (p *plot) text(class string, x, y float64, text string) {
	fmt.Fprintf(p, `<text class="%s" x="%.1f" y="%.1f">%s</text>`+"\n", class, x, y, text)
}

func (p *plot) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(p, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`+"\n", class, x1, y1, x2, y2)
}

func (p *plot) end() string { return p.String() + "</svg>\n" }

// color returns the name of the contender's color in plotStyle.
func color(c contender) string {
	if c.name == webapp2go.name {
		return "var(--ours)"
	}
	return "var(--" + c.name + ")"
}

// plotted are the contenders in the plots.
func plotted() []contender {
	return []contender{webapp2go, gorillaMux, chiRouter, ginRouter, echoRouter}
}

// costPlot draws bars of the time of a request as a ratio to the floor's, on a logarithmic
// scale: a bar to the left is faster than the floor, one to the right slower.
func (rec *record) costPlot() string {
	rows := []string{"hello", "session untouched", "session read", "session write", "login"}
	const left, right, top, bar, gap = 130.0, 660.0, 60.0, 17.0, 30.0
	low, high := -2.0, 3.0 // powers of two
	for _, name := range rows {
		for _, c := range plotted() {
			if r := rec.find(row{name: name, harness: served}.key(), c.name); r != nil {
				low, high = min(low, math.Floor(math.Log2(r.ratio().median))), max(high, math.Ceil(math.Log2(r.ratio().median)))
			}
		}
	}
	x := func(ratio float64) float64 { return left + (right-left)*(math.Log2(ratio)-low)/(high-low) }
	bottom := top + float64(len(rows))*(gap+bar*float64(len(plotted())))
	p := newPlot(720, int(bottom)+30, "The time of a request, as a ratio to the floor on net/http")
	p.text("title", 16, 24, "The time of a request, as a ratio to the floor on net/http (logarithmic)")
	for power := low; power <= high; power++ {
		p.line("grid", x(math.Exp2(power)), top-10, x(math.Exp2(power)), bottom)
		p.text("weak middle", x(math.Exp2(power)), bottom+18, fmt.Sprintf("%g×", math.Exp2(power)))
	}
	y := top
	for _, name := range rows {
		p.text("title", 16, y+8, name)
		y += 16
		for _, c := range plotted() {
			p.text("end", left-30, y+12, c.name)
			if r := rec.find(row{name: name, harness: served}.key(), c.name); r != nil {
				ratio, fill := r.ratio().median, "var(--peer)"
				if c.name == webapp2go.name {
					fill = "var(--ours)"
				}
				from, to := min(x(1), x(ratio)), max(x(1), x(ratio))
				fmt.Fprintf(p, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" style="fill: %s"/>`+"\n", from, y+1, max(1, to-from), bar-3, fill)
				p.text("", to+6, y+12, ratioText(ratio))
			}
			y += bar
		}
		y += gap - 16
	}
	p.line("floor", x(1), top-10, x(1), bottom)
	p.text("weak middle", x(1), top-16, "net/http")
	return p.end()
}

// routingPlot draws the time of a request over the size of the routing table, without and
// with middleware, on logarithmic scales.
func (rec *record) routingPlot() string {
	const width, top, bottom, panel, inner = 800, 70.0, 350.0, 390.0, 250.0
	low, high := -1.0, 2.0
	for _, kind := range []string{"", oneUse} {
		for _, n := range tableSizes {
			for _, c := range plotted() {
				if r := rec.find(row{name: routingName(kind, n), harness: served}.key(), c.name); r != nil {
					low, high = min(low, math.Floor(math.Log2(r.ratio().median))), max(high, math.Ceil(math.Log2(r.ratio().median)))
				}
			}
		}
	}
	y := func(ratio float64) float64 { return bottom - (bottom-top)*(math.Log2(ratio)-low)/(high-low) }
	p := newPlot(width, int(bottom)+50, "The time of a request by the number of routes, as a ratio to the floor on net/http")
	p.text("title", 16, 24, "The time of a request by the number of routes, as a ratio to the floor on net/http (logarithmic)")
	for i, kind := range []string{"", oneUse} {
		left := 50 + panel*float64(i)
		x := func(n int) float64 { return left + inner*math.Log10(float64(n))/3 }
		p.text("title", left, top-18, []string{"no middleware", "one middleware that does nothing"}[i])
		for power := low; power <= high; power++ {
			class := "grid"
			if power == 0 {
				class = "floor"
				p.text("weak", left+4, y(1)-4, floor.name)
			}
			p.line(class, left, y(math.Exp2(power)), left+inner, y(math.Exp2(power)))
			p.text("weak end", left-8, y(math.Exp2(power))+4, fmt.Sprintf("%g×", math.Exp2(power)))
		}
		for _, n := range tableSizes {
			p.text("weak middle", x(n), bottom+18, fmt.Sprint(n))
		}
		p.text("weak middle", left+inner/2, bottom+38, "routes")
		type label struct {
			y float64
			c contender
		}
		var labels []label
		for _, c := range plotted() {
			var points []string
			for _, n := range tableSizes {
				if r := rec.find(row{name: routingName(kind, n), harness: served}.key(), c.name); r != nil {
					points = append(points, fmt.Sprintf("%.1f,%.1f", x(n), y(r.ratio().median)))
					if n == tableSizes[len(tableSizes)-1] {
						labels = append(labels, label{y(r.ratio().median), c})
					}
				}
			}
			fmt.Fprintf(p, `<polyline class="line" style="stroke: %s" points="%s"/>`+"\n", color(c), strings.Join(points, " "))
		}
		slices.SortFunc(labels, func(a, b label) int { return int(math.Copysign(1, a.y-b.y)) })
		for j, l := range labels { // from the top, without overlap
			if j > 0 {
				labels[j].y = max(l.y, labels[j-1].y+14)
			}
			fmt.Fprintf(p, `<text x="%.1f" y="%.1f" style="fill: %s">%s</text>`+"\n", left+inner+8, labels[j].y+4, color(l.c), l.c.name)
		}
	}
	return p.end()
}
