package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// report returns all tables of the record, as Markdown.
func (rec *record) report() []byte {
	b := new(bytes.Buffer)
	fmt.Fprintf(b, "Measured on %s in %d pairs of runs of %s.\n%s. Load averages at the start: %s.\n",
		rec.Began.Format("2 January 2006"), rec.Rounds, rec.Run, rec.Machine, rec.Load)
	rows := allRows(rec.Run)
	rec.printRatios(b, "As a server runs", served, rows)
	rec.printRatios(b, "As a plain benchmark", plain, rows)

	t := newTable("Allocations of a request", contenderNames()...)
	for _, r := range rows {
		if mine := rec.find(r.key(), webapp2go.name); mine != nil && mine.Allocations != nil {
			t.add(r.name, rec.cells(r, countText(mine.Allocations[0]), func(r *result) string { return countText(r.Allocations[1]) })...)
		}
	}
	t.print(b)

	t = newTable("Sessions in a store", "compared with", "its time", "its commands", webapp2go.name, "its commands", "quartiles")
	for _, r := range rows {
		if mine := rec.find(r.key(), webapp2go.name); mine != nil && mine.Commands != nil {
			t.add(r.name, mine.Below, timeText(mine.Floor), mine.Commands[0], ratioText(mine.ratio().median), mine.Commands[1], mine.ratio().quartiles())
		}
	}
	t.print(b)

	t = newTable("End to end, session read", "requests a second", "ratio to the floor's", "quartiles")
	busy := 0.0
	for _, c := range contenders[1:] {
		if r := rec.find(endToEndKey, c.name); r != nil {
			if len(t.rows) == 1 {
				t.add(floor.name, rateText(r.Floor), "1.00")
			}
			t.add(c.name, rateText(r.Subject), ratioText(r.speed().median), r.speed().quartiles())
			busy = max(busy, r.Busy)
		}
	}
	if t.print(b); busy > 0 {
		fmt.Fprintf(b, "\nThe load generator used at most %.0f %% of its core.\n", 100*busy)
	}

	t = newTable("Limits", "limit", "median", "quartiles", "")
	for _, l := range rec.limits() {
		t.add(l.figure, l.String(), ratioText(l.measured.median), l.measured.quartiles(), l.verdict())
	}
	t.print(b)
	return b.Bytes()
}

// printRatios writes the times of the rows as ratios to the floor's.
func (rec *record) printRatios(b *bytes.Buffer, title string, h harness, rows []row) {
	t := newTable(title, append(contenderNames(), "quartiles of "+webapp2go.name)...)
	for _, r := range rows {
		if r.harness != h {
			continue
		}
		if control := rec.find(r.key(), floor.name); control != nil {
			t.add(r.name, append(rec.cells(r, ratioText(control.ratio().median), nil), control.ratio().quartiles())...)
		}
		if mine := rec.find(r.key(), webapp2go.name); mine != nil {
			cells := rec.cells(r, timeText(mine.Floor), func(r *result) string { return ratioText(r.ratio().median) })
			t.add(r.name, append(cells, mine.ratio().quartiles())...)
		}
	}
	t.print(b)
}

// cells returns a cell for the floor and one for each other contender, which is empty if
// it was not measured.
func (rec *record) cells(r row, floor string, text func(*result) string) []string {
	cells := []string{floor}
	for _, c := range contenders[1:] {
		cell := ""
		if found := rec.find(r.key(), c.name); found != nil {
			cell = text(found)
		}
		cells = append(cells, cell)
	}
	return cells
}

func contenderNames() (names []string) {
	for _, c := range contenders {
		names = append(names, c.name)
	}
	return names
}

// A limit is a bound that a figure of webapp2go must meet.
type limit struct {
	figure   string
	bound    float64
	atLeast  bool // bound is a minimum, not a maximum
	measured summary
}

// limits returns the limits whose figures were measured.
func (rec *record) limits() (all []limit) {
	add := func(figure, key, contender string, most float64) {
		if r := rec.find(key, contender); r != nil && most > 0 {
			all = append(all, limit{figure, most, false, r.ratio()})
		}
	}
	rows := allRows(rec.Run)
	for _, r := range rows {
		if r.harness == plain {
			add(r.name+", plain benchmark", r.key(), webapp2go.name, r.most.plain)
		} else {
			add(r.name, r.key(), webapp2go.name, r.most.text)
			add(r.name+", Set", r.key(), webapp2goSet.name, r.most.set)
		}
	}
	for _, r := range rows {
		if mine := rec.find(r.key(), webapp2go.name); mine != nil && mine.Allocations != nil && r.most.allocations > 0 {
			n := mine.Allocations[1]
			all = append(all, limit{r.name + ", allocations", r.most.allocations, false, summary{n, n, n}})
		}
	}
	if n, ok := rec.fastestPeer(sessionRead.name+"/"+string(served), true); ok {
		all = append(all, limit{"session read, time of the fastest peer with a signed cookie to ours", 6, true, n})
	}
	if r := rec.find(endToEndKey, webapp2go.name); r != nil {
		all = append(all, limit{"end to end, requests a second to the floor's", 1.10, true, r.speed()})
	}
	if n, ok := rec.fastestPeer(endToEndKey, false); ok {
		all = append(all, limit{"end to end, requests a second to the fastest peer's", 1.7, true, n})
	}
	return all
}

// fastestPeer returns the time of the fastest peer as a ratio to webapp2go's, if all were
// measured.
func (rec *record) fastestPeer(key string, cookiesOnly bool) (summary, bool) {
	least := math.Inf(1)
	mine := rec.find(key, webapp2go.name)
	for _, c := range []contender{gorillaMux, chiRouter, ginRouter, echoRouter} {
		r := rec.find(key, c.name)
		if r == nil || mine == nil {
			return summary{}, false
		}
		if c.cookies || !cookiesOnly {
			least = min(least, r.ratio().median/mine.ratio().median)
		}
	}
	return summary{least, least, least}, true
}

// verdict returns "met" or "missed". A figure meets a maximum if its lower quartile does,
// and a minimum if its upper quartile does.
func (l limit) verdict() string {
	if l.atLeast && l.measured.high < l.bound || !l.atLeast && l.measured.low > l.bound {
		return "missed"
	}
	return "met"
}

func (l limit) String() string {
	if l.atLeast {
		return fmt.Sprintf("≥ %.4g", l.bound)
	}
	return fmt.Sprintf("≤ %.4g", l.bound)
}

func timeText(ns []float64) string { return time.Duration(summarize(ns).median).String() }

// rateText formats requests per second.
func rateText(ns []float64) string { return fmt.Sprintf("%.0f", 1e9/summarize(ns).median) }

func countText(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// A mdTable is a table in Markdown whose columns are aligned, so that it can be read on a
// terminal too.
type mdTable struct {
	title string
	rows  [][]string // the first is the header
}

func newTable(title string, header ...string) *mdTable {
	return &mdTable{title, [][]string{append([]string{""}, header...)}}
}

// add appends a row. Cells that are missing at its end are empty.
func (t *mdTable) add(name string, cells ...string) {
	cells = append([]string{name}, cells...)
	t.rows = append(t.rows, append(cells, make([]string, len(t.rows[0])-len(cells))...))
}

// print writes the table, unless it has no rows.
func (t *mdTable) print(b *bytes.Buffer) {
	if len(t.rows) == 1 {
		return
	}
	fmt.Fprintf(b, "\n### %s\n\n", t.title)
	dashes := append([]string{"---"}, slices.Repeat([]string{"---:"}, len(t.rows[0])-1)...)
	w := tabwriter.NewWriter(b, 0, 0, 1, ' ', 0)
	for _, row := range slices.Insert(slices.Clone(t.rows), 1, dashes) {
		fmt.Fprintf(w, "| %s\t|\n", strings.Join(row, "\t| "))
	}
	w.Flush()
}

const (
	beginMark = "<!-- bench: begin -->"
	endMark   = "<!-- bench: end -->"
)

// document writes the tables between the marks of performance.md in the folder, and the
// plots into its folder images.
func (rec *record) document(folder string) error {
	file := filepath.Join(folder, "performance.md")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(text), beginMark)
	_, after, ends := strings.Cut(rest, endMark)
	if !begins || !ends {
		return fmt.Errorf("%s has no lines %s and %s: write them where the tables belong", file, beginMark, endMark)
	}
	for name, content := range map[string]string{
		"images/cost.svg": rec.costPlot(), "images/routing.svg": rec.routingPlot(),
		"performance.md": before + beginMark + "\n\n" + string(rec.report()) + "\n" + endMark + after,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
