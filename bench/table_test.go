package main

import (
	"strings"
	"testing"
)

func TestTableLinesUp(t *testing.T) {
	table := table{header: []string{"", "floor", "limit"}}
	table.add("hello", "1.5µs", "≤ 2")
	table.add("a longer name")
	var out strings.Builder
	if err := table.print(&out); err != nil {
		t.Fatal(err)
	}
	want := `|               | floor | limit |
|---------------|------:|------:|
| hello         | 1.5µs |   ≤ 2 |
| a longer name |       |       |
`
	if out.String() != want {
		t.Errorf("prints\n%s\nnot\n%s", out.String(), want)
	}
}

func TestLimit(t *testing.T) {
	for _, test := range []struct {
		limit         limit
		figure        float64
		text, verdict string
	}{
		{limit{}, 7, "", ""},
		{limit{atMost: 2}, 2, "≤ 2", "met"},
		{limit{atMost: 0.55}, 0.56, "≤ 0.55", "missed"},
		{limit{atLeast: 1.1}, 1.1, "≥ 1.1", "met"},
		{limit{atLeast: 6}, 5.9, "≥ 6", "missed"},
	} {
		if got := test.limit.String(); got != test.text {
			t.Errorf("%+v prints %q, not %q", test.limit, got, test.text)
		}
		if got := test.limit.verdict(test.figure); got != test.verdict {
			t.Errorf("%v is %q for %+v, not %q", test.figure, got, test.limit, test.verdict)
		}
	}
}

func TestRatioText(t *testing.T) {
	for ratio, want := range map[float64]string{0.314: "0.31", 9.99: "9.99", 12.34: "12.3", 115.2: "115"} {
		if got := ratioText(ratio); got != want {
			t.Errorf("%v prints %q, not %q", ratio, got, want)
		}
	}
}
