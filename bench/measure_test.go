package main

import (
	"crypto/sha256"
	"net/http"
	"testing"
	"time"
)

// hashing is a handler that works n times as much as hashing(1).
func hashing(n int) http.Handler {
	var page [4096]byte
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range n {
			sha256.Sum256(page[:])
		}
		writeText(w, helloBody)
	})
}

func TestCompareTellsFastFromSlow(t *testing.T) {
	slow, err := hello.newClient(hashing(16))
	if err != nil {
		t.Fatal(err)
	}
	fast, err := hello.newClient(hashing(1))
	if err != nil {
		t.Fatal(err)
	}
	for name, clock := range map[string]func() time.Duration{"processor": processorTime, "passed": passedTime} {
		c := compare(pace{rounds: 9, run: 2 * time.Millisecond, clock: clock}, fast, slow)
		if c.ratio < 4 || c.low > c.ratio || c.high < c.ratio {
			t.Errorf("%s time: sixteen times the work is measured as %.2f times, between %.2f and %.2f", name, c.ratio, c.low, c.high)
		}
		if c.floorAllocs != c.allocs {
			t.Errorf("the same handler allocates %v and %v times", c.floorAllocs, c.allocs)
		}
	}
}

func TestClientAllocatesNothing(t *testing.T) {
	body := []byte(helloBody)
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) })
	for _, s := range []scenario{hello, login} {
		c := &client{handler: handler, writer: newReusedWriter(), form: s.body, requests: []*http.Request{newRequest(s.method, s.path, "")}}
		if n := testing.AllocsPerRun(100, c.once); n != 0 {
			t.Errorf("%s: the client allocates %v times a request", s.name, n)
		}
	}
}

func TestClientSeesAWrongAnswer(t *testing.T) {
	if _, err := read.newClient(floorPlain()); err == nil {
		t.Error("a site without sessions passes for one with them")
	}
	wrong := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeText(w, "Goodbye") })
	if _, err := hello.newClient(wrong); err == nil {
		t.Error("a wrong answer passes")
	}
}

func TestQuantile(t *testing.T) {
	values := []float64{4, 1, 3, 2}
	if got := median(values); got != 2.5 {
		t.Errorf("the median is %v, not 2.5", got)
	}
	for q, want := range map[float64]float64{0: 1, 0.25: 1.75, 1: 4} {
		if got := quantile(values, q); got != want {
			t.Errorf("the quantile %v is %v, not %v", q, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("the quantile of nothing is %v", got)
	}
}
