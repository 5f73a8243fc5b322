// Package terminal shows the log of a program to the person who has started it in a
// terminal: where the program can be reached, a short line for each request with its status
// in colour, and the stack of a panic with the frames of the program first.
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"log/slog"
//
//		"github.com/webapp2go/webapp2go/framework"
//		"github.com/webapp2go/webapp2go/terminal"
//	)
//
//	func main() {
//		terminal.Use(terminal.Options{Name: "shop", Notes: [][2]string{{"data", "in memory"}}})
//		app := framework.New()
//		app.RequestLog = slog.Default()
//		if err := framework.Serve(context.Background(), app); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// If standard error is not a terminal, Use changes nothing, so that files and other programs
// get the log as it was. Everything is a record of log/slog: package framework logs that it
// listens, the requests and the errors, and this package gives them another form.
//
// The example of [NewHandler] shows what a person sees.
package terminal

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
)

// Options are the options of a Handler. The zero value works.
type Options struct {
	// Name is the name of the program. If empty, it is that of its file.
	Name string
	// Notes are shown below the address of the program, when it listens: how to log in,
	// for example, and where data is kept. Each is a label and a text. [Handler.Note] adds
	// others.
	Notes [][2]string
	// Level is the lowest level that is shown. If nil, it is slog.LevelInfo.
	Level slog.Leveler
	// Quiet are beginnings of paths. Requests for these are shown only if their status is
	// 400 or more. If nil, it is "/static/".
	Quiet []string
	// Plain leaves the colours out. The variable of the environment NO_COLOR does so too
	// (no-color.org).
	Plain bool
}

// Use makes a [Handler] the handler of slog.Default(), if standard error is a terminal, and
// returns it. Otherwise it changes nothing and returns nil.
func Use(o Options) *Handler {
	if !Is(os.Stderr) {
		return nil
	}
	h := NewHandler(os.Stderr, o)
	slog.SetDefault(slog.New(h))
	return h
}

// Is reports whether w is a terminal that understands colours.
func Is(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd()) && os.Getenv("TERM") != "dumb"
}

// A Handler writes records for a person. Each record is one call of Write. It is safe for
// concurrent use.
//
// Three records of package framework have a form of their own: "listening", which shows the
// address and the notes, "request", and any with an attribute named stack. Characters that
// could control the terminal are escaped.
type Handler struct {
	output     *output
	attributes []slog.Attr // of WithAttrs, with the groups in their keys
	groups     string      // of WithGroup, each with a dot after it
}

// output is what a handler shares with those that WithAttrs and WithGroup make of it.
type output struct {
	options Options
	mutex   sync.Mutex
	writer  io.Writer
}

// NewHandler returns a handler that writes to w.
func NewHandler(w io.Writer, o Options) *Handler {
	if o.Name == "" {
		o.Name = filepath.Base(os.Args[0])
	}
	if o.Quiet == nil {
		o.Quiet = []string{"/static/"}
	}
	if o.Level == nil {
		o.Level = slog.LevelInfo
	}
	o.Plain = o.Plain || os.Getenv("NO_COLOR") != ""
	o.Notes = slices.Clone(o.Notes)
	return &Handler{output: &output{options: o, writer: w}}
}

// Note adds a line to what is shown when the program listens. If h is nil, it does nothing.
func (h *Handler) Note(label, text string) {
	if h == nil {
		return
	}
	h.output.mutex.Lock()
	defer h.output.mutex.Unlock()
	h.output.options.Notes = append(h.output.options.Notes, [2]string{label, text})
}

// Enabled implements slog.Handler.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.output.options.Level.Level()
}

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attributes []slog.Attr) slog.Handler {
	next := *h
	next.attributes = slices.Clip(h.attributes)
	for _, a := range attributes {
		next.attributes = appendAttr(next.attributes, h.groups, a)
	}
	return &next
}

// WithGroup implements slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler {
	next := *h
	if name != "" {
		next.groups += name + "."
	}
	return &next
}

// Handle implements slog.Handler.
func (h *Handler) Handle(_ context.Context, record slog.Record) error {
	attributes := slices.Clip(h.attributes)
	record.Attrs(func(a slog.Attr) bool {
		attributes = appendAttr(attributes, h.groups, a)
		return true
	})
	o := h.output
	o.mutex.Lock()
	defer o.mutex.Unlock()
	var text string
	switch message := record.Message; {
	case message == "listening" && value(attributes, "address") != "":
		text = o.welcome(value(attributes, "address"))
	case message == "request" && value(attributes, "path") != "":
		text = o.request(record.Time, attributes)
	default:
		text = o.record(record, attributes)
	}
	if text == "" {
		return nil
	}
	_, err := io.WriteString(o.writer, text)
	return err
}

// appendAttr appends an attribute, or those of a group, with their groups in their keys.
func appendAttr(list []slog.Attr, groups string, a slog.Attr) []slog.Attr {
	v := a.Value.Resolve()
	if v.Kind() != slog.KindGroup {
		if a.Key == "" {
			return list
		}
		return append(list, slog.Attr{Key: groups + a.Key, Value: v})
	}
	if a.Key != "" {
		groups += a.Key + "."
	}
	for _, inner := range v.Group() {
		list = appendAttr(list, groups, inner)
	}
	return list
}

// value returns the text of an attribute, or "" if there is none.
func value(attributes []slog.Attr, key string) string {
	for _, a := range attributes {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// ANSI escape codes (ECMA-48, "select graphic rendition").
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (o *output) paint(code, text string) string {
	if o.options.Plain || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// welcome shows the address of the program, and the notes.
func (o *output) welcome(address string) string {
	shown, others := reachable(address)
	notes := append(slices.Clone(o.options.Notes), [2]string{"stop", "Ctrl-C"})
	width := utf8.RuneCountInString(o.options.Name)
	for _, note := range notes {
		width = max(width, utf8.RuneCountInString(note[0]))
	}
	text := "\n  " + o.paint(bold, pad(oneLine(o.options.Name), width)) + "   " + o.paint(bold+";"+cyan, oneLine(shown)) + others + "\n"
	for _, note := range notes {
		text += "  " + o.paint(dim, pad(oneLine(note[0]), width)) + "   " + oneLine(note[1]) + "\n"
	}
	return text + "\n"
}

// reachable returns an address that a browser on this machine can open, and whether other
// machines can reach it too.
func reachable(address string) (shown, others string) {
	u, err := url.Parse(address)
	if err != nil {
		return address, ""
	}
	ip := net.ParseIP(u.Hostname())
	switch {
	case ip == nil || ip.IsLoopback():
		return address, ""
	case ip.IsUnspecified():
		u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	}
	return u.String(), "   (other machines can reach it too)"
}

// request shows a request in one line, or returns "" for one that is not shown.
func (o *output) request(at time.Time, attributes []slog.Attr) string {
	var status int64
	var took time.Duration
	for _, a := range attributes {
		switch {
		case a.Key == "status" && a.Value.Kind() == slog.KindInt64:
			status = a.Value.Int64()
		case a.Key == "duration" && a.Value.Kind() == slog.KindDuration:
			took = a.Value.Duration()
		}
	}
	path := value(attributes, "path")
	if status < 400 && slices.ContainsFunc(o.options.Quiet, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
		return ""
	}
	code := green
	switch {
	case status >= 500:
		code = bold + ";" + red
	case status >= 400:
		code = yellow
	case status >= 300:
		code = cyan
	}
	line := o.time(at) + "  " + o.paint(code, strconv.FormatInt(status, 10)) + "  " +
		pad(oneLine(value(attributes, "method")), 6) + " " + pad(oneLine(path), 28) + " " + o.paint(dim, short(took))
	if value(attributes, "aborted") == "true" {
		line += "  " + o.paint(yellow, "aborted")
	}
	return line + "\n"
}

// record shows any other record: its message and the error in it, its attributes, and its
// stack.
func (o *output) record(record slog.Record, attributes []slog.Attr) string {
	code := dim
	switch {
	case record.Level >= slog.LevelError:
		code = bold + ";" + red
	case record.Level >= slog.LevelWarn:
		code = bold + ";" + yellow
	case record.Level >= slog.LevelInfo:
		code = cyan
	}
	message := clean(record.Message)
	var rest, stack string
	for _, a := range attributes {
		switch text := a.Value.String(); a.Key {
		case "stack":
			stack = text
		case "error", "err":
			message += ": " + clean(text)
		default:
			if text = clean(text); text == "" || strings.ContainsAny(text, " =\"\n") {
				text = strconv.Quote(text)
			}
			rest += "  " + oneLine(a.Key) + "=" + text
		}
	}
	line := o.time(record.Time) + "  " + o.paint(code, pad(record.Level.String(), 5)) + "  " +
		strings.ReplaceAll(message, "\n", "\n                 ") + o.paint(dim, rest) + "\n"
	return line + o.stack(stack)
}

func (o *output) time(at time.Time) string {
	if at.IsZero() {
		return "        "
	}
	return o.paint(dim, at.Format(time.TimeOnly))
}

// short returns a duration with two or three digits.
func short(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case ms >= 10:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	default:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	}
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// clean escapes what could control the terminal, and keeps line ends.
func clean(text string) string {
	if !strings.ContainsFunc(text, controls) && utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			out.WriteString(`\x` + strconv.FormatUint(uint64(text[i]), 16))
		} else if controls(r) {
			quoted := strconv.QuoteToASCII(string(r))
			out.WriteString(quoted[1 : len(quoted)-1])
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// oneLine is like clean, for a text that must not have line ends.
func oneLine(text string) string { return strings.ReplaceAll(clean(text), "\n", `\n`) }

// controls reports whether a rune could control the terminal. Some of the category Cf
// change the direction of a text, for example.
func controls(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
}
