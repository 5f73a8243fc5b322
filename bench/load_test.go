package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestLoadIsCounted(t *testing.T) {
	var served atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		writeText(w, helloBody)
	}))
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	o := order{
		Addr: addr, Want: helloBody, Connections: 4, Warm: 5 * time.Millisecond, Run: 20 * time.Millisecond,
		Request: "GET / HTTP/1.1\r\nHost: " + addr + "\r\n\r\n",
	}
	wrong := o
	wrong.Want = "Goodbye"
	var orders, yields bytes.Buffer
	encoder := json.NewEncoder(&orders)
	encoder.Encode(o)
	encoder.Encode(wrong)
	if err := generateLoad(&orders, &yields); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(&yields)
	var y yield
	if err := decoder.Decode(&y); err != nil {
		t.Fatal(err)
	}
	if y.Error != "" || y.Requests == 0 || int64(y.Requests) > served.Load() || y.Taken < o.Run {
		t.Errorf("the yield is %+v, the server answered %d times", y, served.Load())
	}
	if err := decoder.Decode(&y); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(y.Error, "Goodbye") {
		t.Errorf("a wrong answer is reported as %q", y.Error)
	}
}

func TestEndToEnd(t *testing.T) {
	results, err := endToEnd(pace{rounds: 2, run: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range subjects {
		if r := results[c.name]; r.ratio <= 0 || r.floor <= 0 || r.subject <= 0 || r.busy <= 0 {
			t.Errorf("%s: the result is %+v", c.name, r)
		}
	}
}

func TestServeContenderRefusesAnUnknownName(t *testing.T) {
	if err := serveContender("nobody", strings.NewReader(""), new(bytes.Buffer)); err == nil {
		t.Error("an unknown contender is served")
	}
}
