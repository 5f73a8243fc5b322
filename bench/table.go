package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A table is printed as Markdown whose columns line up, so that it reads the same
// on a terminal and in a document.
type table struct {
	header []string
	rows   [][]string
}

// add appends a row. Cells that are missing at its end are empty.
func (t *table) add(cells ...string) {
	row := make([]string, len(t.header))
	copy(row, cells)
	t.rows = append(t.rows, row)
}

// print writes the table: the first column to the left, the others to the right.
func (t *table) print(w io.Writer) error {
	widths := make([]int, len(t.header))
	for _, row := range append([][]string{t.header}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	var text strings.Builder
	line := func(row []string) {
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				text.WriteString("| " + cell + space + " |")
			} else {
				text.WriteString(" " + space + cell + " |")
			}
		}
		text.WriteByte('\n')
	}
	line(t.header)
	for i, width := range widths {
		if i == 0 {
			text.WriteString("|" + strings.Repeat("-", width+2) + "|")
		} else {
			text.WriteString(strings.Repeat("-", width+1) + ":|")
		}
	}
	text.WriteByte('\n')
	for _, row := range t.rows {
		line(row)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// A limit is what a figure of ours must keep to.
type limit struct {
	atMost  float64 // 0: no upper limit
	atLeast float64 // 0: no lower limit
}

// String is the limit as the table shows it; empty where there is none.
func (l limit) String() string {
	switch {
	case l.atMost != 0:
		return fmt.Sprintf("≤ %.4g", l.atMost)
	case l.atLeast != 0:
		return fmt.Sprintf("≥ %.4g", l.atLeast)
	}
	return ""
}

// verdict says whether the figure keeps to the limit; empty where there is none.
func (l limit) verdict(figure float64) string {
	switch {
	case l == limit{}:
		return ""
	case l.atMost != 0 && figure > l.atMost, l.atLeast != 0 && figure < l.atLeast:
		return "missed"
	}
	return "met"
}

// ratioText prints a ratio with as many digits as it is worth.
func ratioText(ratio float64) string {
	switch {
	case ratio >= 100:
		return fmt.Sprintf("%.0f", ratio)
	case ratio >= 10:
		return fmt.Sprintf("%.1f", ratio)
	}
	return fmt.Sprintf("%.2f", ratio)
}
