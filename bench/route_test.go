package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestMixIsSpread(t *testing.T) {
	for n, want := range map[int]int{1: 1, 50: 50, 200: 50, 1000: 50} {
		routes := newRoutes(n)
		patterns, shapes := make(map[string]bool), make(map[string]bool)
		for _, r := range mix(routes) {
			patterns[r.pattern] = true
			shapes[r.pattern[strings.Index(r.pattern+"/", "0")+1:]] = true
		}
		if len(patterns) != want {
			t.Errorf("of %d routes %d different ones are asked for, not %d", n, len(patterns), want)
		}
		if n >= 50 && !patterns[mix(routes)[want-1].pattern] {
			t.Errorf("of %d routes the last of the mix is missing", n)
		}
	}
}

func TestSessionIsOfTheSizeStated(t *testing.T) {
	data, err := json.Marshal(firstVisitor)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) != 195 {
		t.Errorf("the session has %d bytes as JSON, not 195", len(data))
	}
}
