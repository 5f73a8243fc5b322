// Command bench measures webapp2go, its peers and a floor of net/http on the same
// scenarios.
//
// A figure is the time of a request as a ratio to the floor's in the same run: the median
// over pairs of short runs that alternate. docs/performance.md explains how to read the
// tables.
//
//	bench -doc ../docs                        measure everything, write the tables and plots of performance.md
//	bench -run '^session.*/served' -rounds 9  measure some rows
//	bench -resume -doc ../docs                measure what an interrupted run has left
//	bench -against /tmp/other -run session -pairs 10
//	                                          compare this build with another one
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	rows, contenders string
	rounds           int
	time             time.Duration
	file             string
	resume, json     bool
	doc              string
	other            string
	pairs            int
	serve            string
	profile          string
}

func run(ctx context.Context, arguments []string, in io.Reader, out, progress io.Writer) error {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(progress)
	flags.StringVar(&o.rows, "run", "", "measure the rows that match this `regexp`, as \"hello/served\"; the parts after the slash are served, plain and network")
	flags.StringVar(&o.contenders, "contenders", "", "measure the contenders that match this `regexp`")
	flags.IntVar(&o.rounds, "rounds", 31, "pairs of runs for each figure; with -against it is always 3")
	flags.DurationVar(&o.time, "time", 40*time.Millisecond, "length of a run in process; with other processes it is five times as long")
	flags.StringVar(&o.file, "file", "results.json", "`file` that keeps what was measured")
	flags.BoolVar(&o.resume, "resume", false, "measure only what the file does not have")
	flags.BoolVar(&o.json, "json", false, "print what was measured as JSON, and keep no file")
	flags.StringVar(&o.doc, "doc", "", "write the tables and plots into performance.md and images/ in this `folder`; all must have been measured")
	flags.StringVar(&o.other, "against", "", "compare with another `build` of this program")
	flags.IntVar(&o.pairs, "pairs", 10, "turns of the two builds with -against")
	flags.StringVar(&o.profile, "cpuprofile", "", "write a profile to this `file`; go tool pprof -tagfocus webapp2go leaves the floor out")
	flags.StringVar(&o.serve, "serve", "", "serve the site of this contender; the program uses it to start its servers")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unknown argument %q: all arguments are flags, see -help", flags.Arg(0))
	case o.rounds < 1 || o.pairs < 1 || o.time < time.Microsecond:
		return errors.New("-rounds and -pairs must be at least 1, and -time at least 1µs")
	case o.serve != "":
		return serve(o.serve, in, out)
	case o.other != "":
		if o.contenders == "" {
			o.contenders = "^webapp2go$"
		}
		return against(ctx, o.other, o.pairs, []string{"-run", o.rows, "-contenders", o.contenders, "-rounds", "3", "-time", o.time.String()}, out, progress)
	}

	rec := newRecord(o.rounds, o.time)
	if o.resume {
		var err error
		if rec, err = loadRecord(o.file); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is not there: leave -resume out", o.file)
		} else if err != nil {
			return err
		}
		if rec.Rounds != o.rounds || rec.Run != o.time {
			return fmt.Errorf("%s was measured with -rounds %d -time %s: repeat that, or leave -resume out", o.file, rec.Rounds, rec.Run)
		}
	}
	todo, err := o.choose(rec)
	if err != nil {
		return err
	}
	if len(todo) > 0 && (rec.Machine != machine() || rec.Build != build()) {
		return fmt.Errorf("%s was measured by another build or elsewhere (%s): leave -resume out", o.file, rec.Machine)
	}
	save := func() error { return rec.save(o.file) }
	if o.json {
		save = func() error { return nil }
	}
	if o.profile != "" {
		file, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
	}
	err = measureAll(ctx, todo, rec, save, progress)
	pprof.StopCPUProfile()
	if ctx.Err() != nil {
		err = fmt.Errorf("interrupted; %s has what was measured, and -resume measures the rest", o.file)
	}
	if o.json {
		return errors.Join(err, json.NewEncoder(out).Encode(rec))
	}
	if _, failed := out.Write(rec.report()); failed != nil {
		return failed
	}
	if o.doc != "" && err == nil {
		if missing := rec.missing(allRows(o.time)); missing > 0 {
			return fmt.Errorf("-doc: %d figures are not measured: measure the rest with -resume and without -run", missing)
		}
		err = rec.document(o.doc)
	}
	return err
}

// choose returns the rows and contenders that the flags select, without those that the
// record has.
func (o options) choose(rec *record) ([]row, error) {
	rows, err := regexp.Compile(o.rows)
	if err != nil {
		return nil, fmt.Errorf("-run: %w", err)
	}
	names, err := regexp.Compile(o.contenders)
	if err != nil {
		return nil, fmt.Errorf("-contenders: %w", err)
	}
	var todo []row
	for _, r := range allRows(o.time) {
		r.subjects = slices.DeleteFunc(r.subjects, func(c contender) bool {
			return !names.MatchString(c.name) || rec.find(r.key(), c.name) != nil
		})
		if rows.MatchString(r.key()) && len(r.subjects) > 0 {
			todo = append(todo, r)
		}
	}
	if len(todo) == 0 && len(rec.Results) == 0 {
		return nil, errors.New("no row matches -run and -contenders: rows have names like \"hello/served\"")
	}
	return todo, nil
}

// missing counts the figures of the rows that the record does not have.
func (rec *record) missing(rows []row) (n int) {
	for _, r := range rows {
		for _, c := range r.subjects {
			if rec.find(r.key(), c.name) == nil {
				n++
			}
		}
	}
	return n
}

// measureAll measures the rows, adds each result to the record, and saves it.
func measureAll(ctx context.Context, rows []row, rec *record, save func() error, progress io.Writer) error {
	runtime.GOMAXPROCS(1) // see servedPair
	if err := takeLastCore(progress); err != nil {
		return err
	}
	length := func(rows []row) (sum time.Duration) {
		for _, r := range rows {
			sum += time.Duration(len(r.subjects)) * r.run
		}
		return sum
	}
	begin, whole := time.Now(), length(rows)
	for i, r := range rows {
		fmt.Fprintf(progress, "%d of %d: %s", i+1, len(rows), r.key())
		if left := length(rows[i:]); left < whole {
			fmt.Fprintf(progress, ", %s left", about(time.Duration(float64(time.Since(begin))*float64(left)/float64(whole-left))))
		}
		fmt.Fprintln(progress)
		for _, c := range r.subjects {
			result := &result{Row: r.key(), Contender: c.name}
			if err := r.measure(ctx, c, rec.Rounds, result); err != nil {
				return fmt.Errorf("%s: %s: %w", r.key(), c.name, err)
			}
			rec.Results = append(rec.Results, result)
			if err := save(); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure measures one contender.
func (r row) measure(ctx context.Context, c contender, rounds int, result *result) error {
	p, err := r.prepare(c)
	if err != nil {
		return err
	}
	if p.close != nil {
		defer p.close()
	}
	subject := p.subject
	p.subject = func() (ns float64, err error) {
		pprof.Do(ctx, pprof.Labels("contender", c.name), func(context.Context) { ns, err = subject() })
		return ns, err
	}
	return p.measure(ctx, rounds, result)
}

// about formats a time that is an estimate.
func about(d time.Duration) string {
	if d < 90*time.Second {
		return fmt.Sprintf("about %d seconds", int(d.Seconds()))
	}
	return fmt.Sprintf("about %d minutes", int(d.Minutes()+0.5))
}
