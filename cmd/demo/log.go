package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/webapp2go/webapp2go/cloudlog"
)

var logKinds = []string{"text", "json"}

// logger returns what c says to log with: text on errout, for people, or JSON on out,
// where App Engine and Cloud Run look for it.
func (c *config) logger(out, errout io.Writer) *slog.Logger {
	if c.log == "json" {
		return slog.New(cloudlog.NewHandler(out, cloudlog.Options{Level: c.logLevel, Project: c.project}))
	}
	return slog.New(slog.NewTextHandler(errout, &slog.HandlerOptions{Level: c.logLevel}))
}

// A level is the option of a slog.Level.
type level struct{ value *slog.Level }

func (l *level) String() string {
	if l.value == nil {
		return ""
	}
	return l.value.String()
}

func (l *level) Set(s string) error {
	if err := l.value.UnmarshalText([]byte(s)); err != nil {
		return fmt.Errorf("%q is none of debug, info, warn and error", s)
	}
	return nil
}
