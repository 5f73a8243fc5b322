package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// A throughput is what measuring a subject against the floor over loopback gave.
type throughput struct {
	ratio   float64 // the median of the pairs' ratios, subject to floor; more is better
	low     float64 // the lower quartile of the ratios
	high    float64 // the upper quartile
	floor   float64 // requests a second, median
	subject float64
	busy    float64 // the most of its core that the load generator ever used
}

// connections is how many clients ask at the same time.
const connections = 16

// endToEnd measures session reads over loopback: each contender serves in a process
// on the first core, the load generator is one on the second. Floor and subject take
// turns as they do in process.
func endToEnd(p pace) (map[string]throughput, error) {
	generator, err := startProcess(1, "-load")
	if err != nil {
		return nil, err
	}
	defer generator.stop()
	orders := make(map[string]order)
	for _, c := range allContenders() {
		server, err := startProcess(0, "-serve", c.name)
		if err != nil {
			return nil, err
		}
		defer server.stop()
		addr, err := server.line()
		if err != nil {
			return nil, err
		}
		cookie, err := startOver(addr)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		orders[c.name] = order{
			Addr: addr, Want: read.want, Connections: connections, Warm: p.run / 5, Run: p.run,
			Request: "GET " + read.path + " HTTP/1.1\r\nHost: " + addr + "\r\nUser-Agent: bench\r\nAccept: text/html\r\nCookie: " + cookie + "\r\n\r\n",
		}
	}
	results := make(map[string]throughput)
	for _, c := range subjects {
		t, err := compareThroughput(p, loadGenerator{generator}, orders[floor.name], orders[c.name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		results[c.name] = t
	}
	return results, nil
}

// compareThroughput takes turns between floor and subject.
func compareThroughput(p pace, g loadGenerator, floor, subject order) (throughput, error) {
	var t throughput
	var ratios, floorRates, subjectRates []float64
	rate := func(o order) (float64, error) {
		y, err := g.run(o)
		t.busy = max(t.busy, y.Busy)
		return float64(y.Requests) / y.Taken.Seconds(), err
	}
	for i := range p.rounds {
		first, second := floor, subject
		if i%2 == 1 {
			first, second = subject, floor
		}
		firstRate, err := rate(first)
		if err != nil {
			return t, err
		}
		secondRate, err := rate(second)
		if err != nil {
			return t, err
		}
		if i%2 == 1 {
			firstRate, secondRate = secondRate, firstRate
		}
		floorRates, subjectRates = append(floorRates, firstRate), append(subjectRates, secondRate)
		ratios = append(ratios, secondRate/firstRate)
	}
	slices.Sort(ratios)
	t.ratio, t.low, t.high = quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75)
	t.floor, t.subject = median(floorRates), median(subjectRates)
	return t, nil
}

// startOver asks a server for a session and returns the Cookie header for it.
func startOver(addr string) (string, error) {
	client := &http.Client{Timeout: 10 * time.Second}
	response, err := client.Get("http://" + addr + "/start")
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body)
	lines := response.Header["Set-Cookie"]
	if len(lines) != 1 {
		return "", fmt.Errorf("/start answers %d with %d cookies", response.StatusCode, len(lines))
	}
	return cookiePair(lines[0]), nil
}
