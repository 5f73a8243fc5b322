package i18n

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// A Locale translates and formats for one language and region. Its methods are safe for
// concurrent use.
type Locale struct {
	name     string
	tag      language.Tag
	catalogs []*catalog
	fallback []*catalog // of the default locale
	format   Format     // if nil, ISO 8601, and numbers with a point
	money    moneyPattern
	zone     *time.Location
}

// Name returns the name of the locale with an underscore, "pt_BR", as folders and webapp2
// have it.
func (l *Locale) Name() string { return l.name }

// Lang returns the tag of the locale, "pt-BR", for the lang attribute of HTML.
func (l *Locale) Lang() string { return l.tag.String() }

// Dir returns the direction of the script, "ltr" or "rtl", for the dir attribute of HTML.
func (l *Locale) Dir() string {
	script, _ := l.tag.Script()
	switch script.String() {
	case "Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg", "Mand", "Samr":
		return "rtl"
	}
	return "ltr"
}

// In returns the locale with another time zone.
func (l *Locale) In(zone *time.Location) *Locale {
	other := *l
	other.zone = zone
	return &other
}

// T translates a message. The pairs are names and values for what is written %(name)s in it,
// printed as by fmt.Sprint.
//
//	l.T("Hello, %(name)s!", "name", user.Name)
func (l *Locale) T(message string, pairs ...any) string {
	return fill(l.lookup("", message, "", 0), pairs)
}

// N translates a message about n things, in the plural form that the language has for n. The
// two messages are those of the source's language, for one and for more. %(num)s in them is
// n.
func (l *Locale) N(one, more string, n int, pairs ...any) string {
	return fill(l.lookup("", one, more, n), append(pairs[:len(pairs):len(pairs)], "num", n))
}

// C translates a message that means different things in different places: the context says
// which, as in C("month", "May").
func (l *Locale) C(context, message string, pairs ...any) string {
	return fill(l.lookup(context, message, "", 0), pairs)
}

// NC is like N, with a context as in C.
func (l *Locale) NC(context, one, more string, n int, pairs ...any) string {
	return fill(l.lookup(context, one, more, n), append(pairs[:len(pairs):len(pairs)], "num", n))
}

// Message translates a Message.
func (l *Locale) Message(m Message) string {
	if m.Plural != "" {
		return l.NC(m.Context, m.ID, m.Plural, m.Count, m.Pairs...)
	}
	return l.C(m.Context, m.ID, m.Pairs...)
}

// lookup returns the translation of a message or, if there is none, the message. A
// message with a plural is for n things.
func (l *Locale) lookup(context, message, plural string, n int) string {
	if n < 0 {
		n = -n
	}
	key := message
	if context != "" {
		key = context + contextMark + message
	}
	for _, list := range [2][]*catalog{l.catalogs, l.fallback} {
		for _, c := range list {
			if text := c.find(key, plural != "", n); text != "" {
				return text
			}
		}
	}
	if plural != "" && n != 1 {
		return plural
	}
	return message
}

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
		if value, found := valueOf(name, pairs); ok && found && rest != "" && isLetter(rest[0]) {
			fmt.Fprint(&out, value)
			message = rest[1:]
		} else {
			out.WriteByte('%')
		}
	}
}

func isLetter(c byte) bool { return c|32 >= 'a' && c|32 <= 'z' }

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

// A Message is translated when it is shown, by [Locale.Message] or by the function t of a
// template: webapp2's lazy strings. It can be kept in a session.
type Message struct {
	ID      string // the message in the source's language
	Plural  string // if not empty, the message for more than one, and Count counts
	Context string
	Count   int
	Pairs   []any // names and values
}

// Lazy makes a Message that Locale.T would translate.
func Lazy(message string, pairs ...any) Message { return Message{ID: message, Pairs: pairs} }

// LazyN makes a Message that Locale.N would translate.
func LazyN(one, more string, n int, pairs ...any) Message {
	return Message{ID: one, Plural: more, Count: n, Pairs: pairs}
}

// String returns the message in the source's language.
func (m Message) String() string { return new(Locale).Message(m) }

// Error returns the same as String, so that a Message can be an error that is shown to
// the user.
func (m Message) Error() string { return m.String() }

// Funcs returns the functions for templates: t, n, c and nc are the methods T, N, C and NC,
// of which t takes a Message too; lang, dir, number, percent, money, date, time and datetime
// are the methods of those names; local is the method Local.
//
// The function th is t for a message with HTML in it. The values are escaped and the
// message is not. Use it only for messages of the application: their translators can
// write scripts.
func (l *Locale) Funcs() template.FuncMap {
	return template.FuncMap{
		"t": func(message any, pairs ...any) (string, error) {
			switch m := message.(type) {
			case string:
				return l.T(m, pairs...), nil
			case Message:
				return l.Message(m), nil
			}
			return "", fmt.Errorf("i18n: t translates strings and Messages, not a %T", message)
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
		"n": l.N, "c": l.C, "nc": l.NC,
		"lang": l.Lang, "dir": l.Dir,
		"number": l.Number, "percent": l.Percent, "money": l.Money,
		"date": l.Date, "time": l.Time, "datetime": l.DateTime, "local": l.Local,
	}
}
