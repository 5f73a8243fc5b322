package templates

import (
	"fmt"
	"html/template"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Locale translates and formats for one language. [English] is one, and so is each
// *i18n.Locale. A Locale must be safe for concurrent use.
type Locale interface {
	Name() string  // what a cookie or a form says of it: "pt_BR"
	Lang() string  // the lang attribute of HTML: "pt-BR"
	Dir() string   // the dir attribute of HTML: "ltr" or "rtl"
	Label() string // what the speakers of the language call it: "Deutsch"

	// T translates a message. The pairs are names and values for what is written %(name)s
	// in it. N is T for n things, and C and NC have a context: see package i18n.
	T(message string, pairs ...any) string
	N(one, more string, n int, pairs ...any) string
	C(context, message string, pairs ...any) string
	NC(context, one, more string, n int, pairs ...any) string

	// Date and DateTime write a time. The layout is "short", "medium" or "long".
	Date(t time.Time, layout string) string
	DateTime(t time.Time, layout string) string

	// Funcs returns the functions for templates: those of [Functions], and more.
	Funcs() template.FuncMap
}

// Languages are the languages of a site. *i18n.Locales implements it, so that a program that
// translates nothing links no catalogues.
type Languages interface {
	// Languages returns the locales, the default first.
	Languages() []Locale
	// Language returns the locale of a request, and the headers of the request that it has
	// read, for the Vary header of the response. Stored returns the name of the locale that
	// the site keeps for the visitor, or "".
	Language(r *http.Request, stored func() string) (l Locale, vary []string)
}

// A Message is translated when it is shown: by [Message.In], by the function t of a template,
// and by the Flash method of package handlers. Package i18n has the same type. It can be kept
// in a session.
type Message struct {
	ID      string `json:",omitempty"` // the message in the language of the source
	Plural  string `json:",omitempty"` // if not empty, the message for more than one, and Count counts
	Context string `json:",omitempty"`
	Count   int    `json:",omitempty"`
	Pairs   []any  `json:",omitempty"` // names and values
}

// Lazy makes a Message that Locale.T will translate.
func Lazy(message string, pairs ...any) Message { return Message{ID: message, Pairs: pairs} }

// LazyN makes a Message that Locale.N will translate.
func LazyN(one, more string, n int, pairs ...any) Message {
	return Message{ID: one, Plural: more, Count: n, Pairs: pairs}
}

// In returns the message in the language of a locale.
func (m Message) In(l Locale) string {
	switch {
	case m.Plural != "" && m.Context != "":
		return l.NC(m.Context, m.ID, m.Plural, m.Count, m.Pairs...)
	case m.Plural != "":
		return l.N(m.ID, m.Plural, m.Count, m.Pairs...)
	case m.Context != "":
		return l.C(m.Context, m.ID, m.Pairs...)
	}
	return l.T(m.ID, m.Pairs...)
}

// String returns the message in the language of the source.
func (m Message) String() string { return m.In(English) }

// Error is String, so that a Message can be an error that is shown to the user.
func (m Message) Error() string { return m.String() }

// English is the language of the built-in pages. It translates nothing, and writes times in
// UTC.
var English Locale = english{}

type english struct{}

func (english) Name() string  { return "en" }
func (english) Lang() string  { return "en" }
func (english) Dir() string   { return "ltr" }
func (english) Label() string { return "English" }

func (english) T(message string, pairs ...any) string { return fill(message, pairs) }

func (english) N(one, more string, n int, pairs ...any) string {
	if n == 1 || n == -1 {
		more = one
	}
	return fill(more, append(pairs[:len(pairs):len(pairs)], "num", n))
}

func (e english) C(_, message string, pairs ...any) string { return e.T(message, pairs...) }

func (e english) NC(_, one, more string, n int, pairs ...any) string {
	return e.N(one, more, n, pairs...)
}

func (english) Date(t time.Time, layout string) string {
	switch {
	case t.IsZero():
		return ""
	case layout == "long":
		return t.UTC().Format("2 January 2006")
	}
	return t.UTC().Format("2 Jan 2006")
}

func (english) DateTime(t time.Time, layout string) string {
	switch {
	case t.IsZero():
		return ""
	case layout == "long":
		return t.UTC().Format("2 January 2006, 15:04 UTC")
	case layout == "short":
		return t.UTC().Format("2 Jan, 15:04 UTC")
	}
	return t.UTC().Format("2 Jan 2006, 15:04 UTC")
}

func (e english) Funcs() template.FuncMap { return Functions(e) }

// fill puts values into a message: %(name)s, or any letter in the place of s. Two percent
// signs are one. A name that the pairs do not have is left as it is.
func fill(message string, pairs []any) string {
	if !strings.Contains(message, "%") {
		return message
	}
	var out strings.Builder
	for {
		before, after, more := strings.Cut(message, "%")
		out.WriteString(before)
		switch {
		case !more:
			return out.String()
		case strings.HasPrefix(after, "%"):
			out.WriteByte('%')
			message = after[1:]
			continue
		}
		message = after
		name, rest, ok := strings.Cut(after, ")")
		if value, found := valueOf(name, pairs); ok && found && rest != "" && rest[0]|32 >= 'a' && rest[0]|32 <= 'z' {
			fmt.Fprint(&out, value)
			message = rest[1:]
		} else {
			out.WriteByte('%')
		}
	}
}

// valueOf returns the value of "(name" in pairs.
func valueOf(name string, pairs []any) (any, bool) {
	if !strings.HasPrefix(name, "(") {
		return nil, false
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == any(name[1:]) {
			return pairs[i+1], true
		}
	}
	return nil, false
}

// Functions returns the functions that translate in templates. The functions t, n, c and nc
// are the methods T, N, C and NC of the locale; t takes a [Message] too, n and nc a whole number
// of any type. A translation is text: html/template escapes it with its values. If a value is a
// template.HTML, that value stays as it is, and everything else is escaped.
//
// The functions lang, dir, date and datetime are the methods of those names. The function tag
// puts text into an element, for such a value: {{tag "code" .ID}}. Of a list it makes an
// element each, with commas between them. The functions dateTag and datetimeTag make a <time>
// element. datetimeTag writes the time zone too.
//
// The function th is t for a message with HTML in it. The message is not escaped, the values
// are, but an address in an href is not checked: give it none that a visitor has typed. Whoever
// translates such a message can write scripts in it.
func Functions(l Locale) template.FuncMap {
	return template.FuncMap{
		"t": func(message any, pairs ...any) (any, error) {
			switch m := message.(type) {
			case string:
				return withHTML(pairs, func(pairs []any) string { return l.T(m, pairs...) }), nil
			case Message:
				return m.In(l), nil
			}
			return nil, fmt.Errorf("templates: t translates strings and Messages, not a %T", message)
		},
		"n": func(one, more string, n any, pairs ...any) (any, error) {
			count, err := whole(n)
			return withHTML(pairs, func(pairs []any) string { return l.N(one, more, count, pairs...) }), err
		},
		"c": func(context, message string, pairs ...any) any {
			return withHTML(pairs, func(pairs []any) string { return l.C(context, message, pairs...) })
		},
		"nc": func(context, one, more string, n any, pairs ...any) (any, error) {
			count, err := whole(n)
			return withHTML(pairs, func(pairs []any) string { return l.NC(context, one, more, count, pairs...) }), err
		},
		"th": func(message string, pairs ...any) template.HTML {
			escaped := make([]any, len(pairs))
			for i, v := range pairs {
				if escaped[i] = v; i%2 == 1 {
					if _, safe := v.(template.HTML); !safe {
						escaped[i] = template.HTMLEscapeString(fmt.Sprint(v))
					}
				}
			}
			return template.HTML(l.T(message, escaped...))
		},
		"lang": l.Lang, "dir": l.Dir, "date": l.Date, "datetime": l.DateTime,
		"tag": tag,
		"dateTag": func(t time.Time, layout string) template.HTML {
			return timeTag(t, l.Date(t, layout))
		},
		"datetimeTag": func(t time.Time, layout string) template.HTML {
			return timeTag(t, withZone(l, t, layout))
		},
	}
}

// withZone writes date and time as DateTime does, and the time zone, which the short and the
// medium forms of most languages leave out.
func withZone(l Locale, t time.Time, layout string) string {
	text := l.DateTime(t, layout)
	zoned, ok := l.(interface{ Local(time.Time) time.Time })
	if !ok || t.IsZero() || layout != "short" && layout != "medium" && layout != "" {
		return text
	}
	if _, err := time.Parse(time.RFC3339, text); err == nil {
		return text // a locale without formats
	}
	return text + zoned.Local(t).Format(" MST")
}

// whole returns a number of things, which may be an int64 of a database.
func whole(n any) (int, error) {
	if count, ok := n.(int); ok {
		return count, nil
	}
	switch v := reflect.ValueOf(n); {
	case v.CanInt():
		return int(v.Int()), nil
	case v.CanUint():
		return int(v.Uint()), nil
	}
	return 0, fmt.Errorf("templates: n counts in whole numbers, not in a %T", n)
}

// withHTML translates with pairs. If a value is a template.HTML, the result is one: that value
// in it, and everything else escaped.
func withHTML(pairs []any, translate func(pairs []any) string) any {
	var marks []string // of the values that stay, each with its value
	var marked []any
	for i := 1; i < len(pairs); i += 2 {
		value, ok := pairs[i].(template.HTML)
		if !ok {
			continue
		}
		if marked == nil {
			marked = append(marked, pairs...)
		}
		mark := "\ue000" + strconv.Itoa(i) + "\ue001" // of the private use area, which escaping keeps
		marked[i] = mark
		marks = append(marks, mark, string(value))
	}
	if marks == nil {
		return translate(pairs)
	}
	return template.HTML(strings.NewReplacer(marks...).Replace(template.HTMLEscapeString(translate(marked))))
}

var tagNames = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

func tag(name string, content any) (template.HTML, error) {
	if !tagNames.MatchString(name) || name == "script" || name == "style" {
		return "", fmt.Errorf("templates: tag %q: use the name of an element for text, such as \"code\"", name)
	}
	list, ok := content.([]string)
	if !ok {
		list = []string{fmt.Sprint(content)}
	}
	for i, text := range list {
		text = "<" + name + ">" + template.HTMLEscapeString(text) + "</" + name + ">"
		if i == 0 {
			list = append([]string(nil), list...)
		}
		list[i] = text
	}
	return template.HTML(strings.Join(list, ", ")), nil
}

func timeTag(t time.Time, text string) template.HTML {
	return template.HTML(`<time datetime="` + t.UTC().Format("2006-01-02T15:04:05Z") + `">` + template.HTMLEscapeString(text) + "</time>")
}

// fixed are the calls in the built-in files whose result is the same in every request.
var fixed = regexp.MustCompile(`\{\{(?:(lang|dir)|t ("(?:[^"\\{}]|\\.)*")|c ("(?:[^"\\{}]|\\.)*") ("(?:[^"\\{}]|\\.)*"))\}\}`)

// A piece is a part of a built-in file: a text, and the fixed call that follows it.
type piece struct {
	text          string
	call          string // lang, dir, t, c, or "" if the file ends
	context, said string // the constants of the call
}

// pieces are those of each built-in file, by its name without .html. They are the same for
// every set and language, so a process makes them once.
var pieces = sync.OnceValue(func() map[string][]piece {
	all := map[string][]piece{}
	walk(builtin, func(file string, data []byte) {
		if name, ok := strings.CutSuffix(strings.TrimPrefix(file, "builtin/"), ".html"); ok {
			all[name] = cut(string(data))
		}
	})
	return all
})

// cut returns the pieces of a built-in file.
func cut(text string) (all []piece) {
	own := func(text string) string { return calls.ReplaceAllString(text, "${1}"+ours+"${2} ") }
	end := 0
	for _, at := range fixed.FindAllStringSubmatchIndex(text, -1) {
		constant := func(i int) (s string) {
			if at[2*i] >= 0 {
				s, _ = strconv.Unquote(text[at[2*i]:at[2*i+1]])
			}
			return s
		}
		p := piece{text: own(text[end:at[0]])}
		switch {
		case at[2] >= 0:
			p.call = text[at[2]:at[3]]
		case at[4] >= 0:
			p.call, p.said = "t", constant(2)
		default:
			p.call, p.context, p.said = "c", constant(3), constant(4)
		}
		all = append(all, p)
		end = at[1]
	}
	return append(all, piece{text: own(text[end:])})
}

// translated returns the text of a built-in file with its fixed calls replaced by what they
// say in a language, so that a request does not translate them. They stand in text, or in an
// attribute in quotation marks, where the same escaping is right.
func translated(file []piece, l Locale) string {
	var out strings.Builder
	for _, p := range file {
		out.WriteString(p.text)
		said := ""
		switch p.call {
		case "lang":
			said = l.Lang()
		case "dir":
			said = l.Dir()
		case "t":
			said = l.T(p.said)
		case "c":
			said = l.C(p.context, p.said)
		}
		out.WriteString(strings.ReplaceAll(template.HTMLEscapeString(said), "{", "&#123;")) // no action
	}
	return out.String()
}

// The built-in files call our functions also if the site has functions of the same names.
const ours = "builtin_"

var (
	translating = []string{"t", "n", "c", "nc", "tag", "dateTag", "datetimeTag"}
	calls       = regexp.MustCompile(`([{(])(` + strings.Join(translating, "|") + `) `)
)
