package webapp2

import (
	"strings"
	"testing"
)

func TestTemplate(t *testing.T) {
	tests := map[string]string{
		``:                                ``,
		`/`:                               `/`,
		`/archive/<year:\d{4}>/<slug>`:    `/archive/{year:\d{4}}/{slug}`,
		`/<:\d+>/<:\w+>`:                  `/{0:\d+}/{1:\w+}`,
		`/<>/<name>/<:>`:                  `/{0}/{name}/{1}`,
		`/<name:>`:                        `/{name}`,
		`/<x::\d+>`:                       `/{x::\d+}`,
		`/<x:(a|b)+>`:                     `/{x:(?:a|b)+}`,
		`/<x:a|b>`:                        `/{x:(?:a|b)}`,
		`/<x:(a)|b>`:                      `/{x:(?:(?:a)|b)}`,
		`<x:www|api>.app.com`:             `{x:www|api}.app.com`,
		`<:www|api>.app.<:>`:              `{-host:www|api}.app.{-host}`,
		`<subdomain>.app.com`:             `{subdomain}.app.com`,
		`/<x:(?i:[a-z]+)>`:                `/{x:(?i:[a-z]+)}`,
		`/<x:(?i)a|b>`:                    `/{x:(?:(?i)a|b)}`,
		`/<x:(?#a (note)\d>`:              `/{x:\d}`,
		`/<x:(?#a note)>`:                 `/{x:(?:)}`,
		`/<x:\(\d\)>`:                     `/{x:\(\d\)}`,
		`/<x:[()|]+>`:                     `/{x:[()|]+}`,
		`/<x:[]{}[]>`:                     `/{x:[\]\x7b\x7d\[]}`,
		`/<x:[^]]>`:                       `/{x:[^\]]}`,
		`/<x:[[:alpha:]]>`:                `/{x:[\[:alpha:]]}`,
		`/<x:\{\}>`:                       `/{x:\x7b\x7d}`,
		`/<x:a{,3}>`:                      `/{x:a{0,3}}`,
		`/<x:a{,}>`:                       `/{x:a{0,}}`,
		`/<x:a{2,}b{1,2}>`:                `/{x:a{2,}b{1,2}}`,
		`/<x:{}{x}{1,a}>`:                 `/{x:\x7b\x7d\x7bx\x7d\x7b1,a\x7d}`,
		`/<x:a\Z>`:                        `/{x:a\z}`,
		`/<x:[\b]>`:                       `/{x:[\x08]}`,
		`/<x:\u00e9\U0001F355\0\012\101>`: `/{x:\x{00e9}\x{0001F355}\x00\x0a\x41}`,
		`/<x:\é>`:                         `/{x:é}`,
		`/<1a>/<a b>/<a-b>/<a`:            `/<1a>/<a b>/<a-b>/<a`,
		`/a>`:                             `/a>`,
		`/<näme>`:                         `/{näme}`,
		`/<func>/<type>`:                  `/{func}/{type}`,
		`/<_x>`:                           `/{_x}`,
		`/a{2}`:                           `/a{-open:\x7b}2{-close:\x7d}`,
		`/100%/<x>`:                       `/100{-percent:\x25}/{x}`,
		`/a.b+(c)`:                        `/a.b+(c)`,
	}
	for webapp2, want := range tests {
		t.Run(webapp2, func(t *testing.T) {
			got, err := Template(webapp2)
			if err != nil || got != want {
				t.Errorf("Template = %q, %v, want %q", got, err, want)
			}
		})
	}
}

func TestTemplateRefuses(t *testing.T) {
	tests := map[string]string{
		`/<x:(?!admin)\w+>`:  "(?! is a negative lookahead",
		`/<x:a(?=b)>`:        "(?= is a lookahead",
		`/<x:(?<=a)b>`:       "(?<= is a lookbehind",
		`/<x:(?<!a)b>`:       "(?<! is a negative lookbehind",
		`/<x:(\w)\1>`:        `\1 is a backreference`,
		`/<x:(?P=y)>`:        "(?P= is a backreference",
		`/<x:(a)?(?(1)b|c)>`: "(?( is a conditional group",
		`/<x:(?x)a b>`:       `the flag "x"`,
		`/<x:(?iu:a)>`:       `the flag "u"`,
		`/<x:(?U)a+>`:        `the flag "U"`,
		`/<x:(?P<y>\d+)>`:    "variable \"x\"",
		`/<x:a++>`:           "`++`",
		`/<x:\N{BULLET}>`:    `\N is not an escape`,
		`/<x:\p{L}>`:         `\p is not an escape`,
		`/<x:\Qa>`:           `\Q is not an escape`,
		`/<x:\g>`:            "`\\g`",
		`/<x:a\>`:            `a \ at the end`,
		`/<x:[a>`:            "the class [ has no end",
		`/<x:(?#a>`:          "the comment (?# has no end",
		`/<x:(>`:             "missing closing )",
		`/<x:a)>`:            "unexpected )",
		`/<x:*>`:             "missing argument",
		`/<x:a{1001}>`:       "invalid repeat count",
		`/<x:[b-a]>`:         "invalid character class range",
		`/<a>/<a>`:           `two variables are named "a"`,

		`/admin/event/([0-9]+)`: `has "([0-9]+)" in its text`,
		`/<year>/(\w+)`:         `has "\\" in its text`,
		`/(?P<id>\d+)`:          `has "(?" in its text`,
		`/x/?`:                  `has "/?" in its text`,
		`/x/?$`:                 `has "/?$" in its text`,
		`^/x`:                   `has "^" in its text`,
		`/feed/(atom|rss)`:      `has "(atom|rss)" in its text`,
		`/(.*)`:                 `has ".*" in its text`,
	}
	for webapp2, says := range tests {
		t.Run(webapp2, func(t *testing.T) {
			got, err := Template(webapp2)
			if err == nil {
				t.Fatalf("Template = %q, want an error that says %q", got, says)
			}
			if got != "" || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "webapp2: route template ") {
				t.Errorf("Template = %q, %v, want an error that says %q", got, err, says)
			}
		})
	}
}
