package main

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// An option is one choice: where it comes from and where it goes.
type option struct {
	flag     string // empty: only a variable
	variable string // empty: only a flag
	value    flag.Value
	form     string
	usage    string
}

func (c *config) help(w io.Writer) {
	fmt.Fprint(w, "The demo of webapp2go. It needs no service, no key and no network:\n\n  demo [flags]\n\nEach flag can be a variable of the environment instead; secrets can only be that.\n\n")
	for _, o := range c.options() {
		switch {
		case o.flag == "":
			fmt.Fprintf(w, "  $%s=%s\n", o.variable, o.form)
		case o.variable == "":
			fmt.Fprintf(w, "  -%s=%s\n", o.flag, o.form)
		default:
			fmt.Fprintf(w, "  -%s=%s, $%s\n", o.flag, o.form, o.variable)
		}
		fmt.Fprintf(w, "        %s\n", strings.ReplaceAll(o.usage, "\n", "\n        "))
	}
}

// The values of options.
type (
	text     string
	boolean  bool
	duration time.Duration
	toggle   struct{ set, on bool }
	proxies  int
)

func (t *text) String() string     { return string(*t) }
func (t *text) Set(s string) error { *t = text(s); return nil }

func (d *duration) String() string { return time.Duration(*d).String() }
func (d *duration) Set(s string) error {
	parsed, err := time.ParseDuration(s)
	if err != nil || parsed <= 0 {
		return fmt.Errorf("%q is no duration, such as 100ms", s)
	}
	*d = duration(parsed)
	return nil
}

func (p *proxies) String() string {
	if *p == 0 {
		return ""
	}
	return strconv.Itoa(int(*p))
}
func (p *proxies) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is no number of proxies, such as 1", s)
	}
	*p = proxies(n)
	return nil
}

func (b *boolean) String() string   { return strconv.FormatBool(bool(*b)) }
func (b *boolean) IsBoolFlag() bool { return true }
func (b *boolean) Set(s string) error {
	on, err := parseBool(s)
	*b = boolean(on)
	return err
}

func (t *toggle) String() string   { return strconv.FormatBool(t.on) }
func (t *toggle) IsBoolFlag() bool { return true }
func (t *toggle) Set(s string) error {
	on, err := parseBool(s)
	t.set, t.on = true, on
	return err
}

func parseBool(s string) (bool, error) {
	on, err := strconv.ParseBool(s)
	if err != nil {
		return false, fmt.Errorf("%q is neither true nor false", s)
	}
	return on, nil
}

// LogValue lists every choice, and of the secrets only whether they are set.
func (c *config) LogValue() slog.Value {
	var list []slog.Attr
	for _, o := range c.options() {
		switch value := o.value.String(); {
		case o.flag == "" && value != "":
			list = append(list, slog.String(o.variable, "set"))
		case value != "":
			list = append(list, slog.String(o.flag, value))
		}
	}
	return slog.GroupValue(list...)
}
