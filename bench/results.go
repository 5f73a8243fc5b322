package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/aclements/go-moremath/stats"
)

// A record is the contents of the file of results.
type record struct {
	Began   time.Time
	Machine string
	Load    string // the system's load averages when it began
	Build   string // the program's SHA-256
	Rounds  int
	Run     time.Duration
	Results []*result
}

// A result has the measurements of one contender on one row.
type result struct {
	Row, Contender string
	Floor, Subject []float64 // nanoseconds of a request, by pair
	Allocations    []float64 `json:",omitempty"` // of a request: the floor's, the contender's
	Below          string    `json:",omitempty"` // what the contender is compared with, if it is not the floor
	Commands       []string  `json:",omitempty"` // that a request sends to a store: those of Below, the contender's
	Busy           float64   `json:",omitempty"` // the most of its core that the load generator used
}

func newRecord(rounds int, run time.Duration) *record {
	load, _ := os.ReadFile("/proc/loadavg") // outside Linux there is none
	averages := strings.Fields(string(load))
	return &record{
		Began: time.Now().UTC(), Machine: machine(), Load: strings.Join(averages[:min(3, len(averages))], " "),
		Build: build(), Rounds: rounds, Run: run,
	}
}

// build returns the SHA-256 of this program.
func build() string {
	program, err := os.Executable()
	if err != nil {
		return ""
	}
	data, _ := os.ReadFile(program)
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// machine describes the hardware and software that the figures depend on.
func machine() string {
	processor := runtime.GOARCH
	info, _ := os.ReadFile("/proc/cpuinfo") // outside Linux there is none
	for line := range strings.Lines(string(info)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			processor = strings.TrimSpace(value)
			break
		}
	}
	gogc := os.Getenv("GOGC")
	if gogc == "" {
		gogc = "100"
	}
	return fmt.Sprintf("%s, %d cores, %s, %s, GOGC=%s", processor, runtime.NumCPU(), runtime.GOOS, runtime.Version(), gogc)
}

// loadRecord reads the file that save wrote.
func loadRecord(file string) (*record, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	rec := new(record)
	if err := json.Unmarshal(data, rec); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return rec, nil
}

// save writes the record to the file. It replaces the file as a whole.
func (rec *record) save(file string) error {
	data, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	data = bytes.ReplaceAll(data, []byte(`{"Row"`), []byte("\n"+`{"Row"`))
	if err := os.WriteFile(file+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// find returns the result of the contender on the row, or nil.
func (rec *record) find(row, contender string) *result {
	for _, r := range rec.Results {
		if r.Row == row && r.Contender == contender {
			return r
		}
	}
	return nil
}

// A summary is the median of some values and their quartiles.
type summary struct{ median, low, high float64 }

func summarize(values []float64) summary {
	sample := stats.Sample{Xs: values}
	return summary{sample.Quantile(0.5), sample.Quantile(0.25), sample.Quantile(0.75)}
}

// quartiles formats the quartiles. It returns "" if they are equal.
func (s summary) quartiles() string {
	if s.low == s.high {
		return ""
	}
	return ratioText(s.low) + " to " + ratioText(s.high)
}

// ratio summarizes the times of the contender as ratios to the floor's in the same pair.
func (r *result) ratio() summary {
	ratios := make([]float64, len(r.Floor))
	for i := range ratios {
		ratios[i] = r.Subject[i] / r.Floor[i]
	}
	return summarize(ratios)
}

// speed is the inverse of ratio: requests per second as ratios to the floor's.
func (r *result) speed() summary {
	s := r.ratio()
	return summary{1 / s.median, 1 / s.high, 1 / s.low}
}

// ratioText formats a ratio with at most two decimals: 9.99, 12.3, 115.
func ratioText(ratio float64) string {
	switch {
	case ratio >= 100:
		return fmt.Sprintf("%.0f", ratio)
	case ratio >= 10:
		return fmt.Sprintf("%.1f", ratio)
	}
	return fmt.Sprintf("%.2f", ratio)
}
