package webapp2_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/templates"
)

// A construct is something that a template of jinja2 can say, and what docs/migrating.md
// says to write instead.
type construct struct {
	row    string            // the first cell of its row in the document, or its beginning
	old    string            // the page of jinja2
	new    string            // the page here
	files  map[string]string // further templates, by name: of jinja2 if it ends in .html, else layouts and parts here
	data   string            // JSON, for both
	prints string            // what jinja2 prints
	here   string            // what it is here; empty: the same
}

const people = `{"people": [{"name": "Ann", "age": 31}, {"name": "Bob", "age": 7}], "empty": []}`

var constructs = []construct{
	{row: "`{{ x }}`", old: `<p>{{ x }}</p>`, new: `<p>{{.x}}</p>`, data: `{"x": "<b>"}`, prints: `<p>&lt;b&gt;</p>`},
	{row: "`{{ x }}`", old: `{{ user.name }}`, new: `{{.user.name}}`, data: `{"user": {"name": "Ann"}}`, prints: `Ann`},
	{row: "`{{ x }}`", old: `{{ user['name'] }}`, new: `{{index .user "name"}}`, data: `{"user": {"name": "Ann"}}`, prints: `Ann`},
	{row: "`{{ x }}`", old: `[{{ missing }}]`, new: `[{{.missing}}]`, data: `{}`, prints: `[]`},
	{row: "`{{ x }}`", old: `[{{ user.missing }}]`, new: `[{{.user.missing}}]`, data: `{"user": {}}`, prints: `[]`},
	{row: "`{{ x }}`", old: `{{ 7 }} {{ "q" }} {{ x }}`, new: `{{7}} {{"q"}} {{.x}}`, data: `{"x": 12}`, prints: `7 q 12`},
	{row: "`{{ x }}`", old: `<a title="{{ x }}">`, new: `<a title="{{.x}}">`, data: `{"x": "a&\"b"}`, prints: `<a title="a&amp;&#34;b">`},

	{row: "`{{ nothing }}`", old: `[{{ nothing }}]`, new: `[{{.nothing}}]`, data: `{"nothing": null}`, prints: `[None]`, here: `[]`},
	{row: "`{{ nothing }}`", old: `{{ yes }}`, new: `{{.yes}}`, data: `{"yes": true}`, prints: `True`, here: `true`},
	{row: "`{{ nothing }}`", old: `{{ f }}`, new: `{{.f}}`, data: `{"f": 3.0}`, prints: `3.0`, here: `3`},
	{row: "`{{ nothing }}`", old: `{{ f }}`, new: `{{.f}}`, data: `{"f": 2.5}`, prints: `2.5`},
	{row: "`{{ nothing }}`", old: `{{ f }}`, new: `{{.f}}`, data: `{"f": 1234567890.5}`, prints: `1234567890.5`, here: `1.2345678905e&#43;09`},
	{row: "`{{ nothing }}`", old: `{{ "%.2f"|format(f) }}`, new: `{{printf "%.2f" .f}}`, data: `{"f": 12345678.0}`, prints: `12345678.00`},
	{row: "`{{ nothing }}`", old: `{{ l }}`, new: `{{.l}}`, data: `{"l": ["a", "b"]}`, prints: `[&#39;a&#39;, &#39;b&#39;]`, here: `[a b]`},

	{row: "`{{ a or 'x' }}`", old: `{{ a or 'x' }}`, new: `{{or .a "x"}}`, data: `{"a": ""}`, prints: `x`},
	{row: "`{{ a or 'x' }}`", old: `{{ a or 'x' }}`, new: `{{or .a "x"}}`, data: `{}`, prints: `x`},
	{row: "`{{ a or 'x' }}`", old: `{{ a|default('x') }}`, new: `{{or .a "x"}}`, data: `{"a": "b"}`, prints: `b`},
	{row: "`{{ a or 'x' }}`", old: `{{ a|default('x') }}`, new: `{{or .a "x"}}`, data: `{"a": 0}`, prints: `0`, here: `x`},
	{row: "`{{ a or 'x' }}`", old: `{{ a|default('x', true) }}`, new: `{{or .a "x"}}`, data: `{"a": 0}`, prints: `x`},

	{row: "`{% if a %}..{% elif", old: `{% if a %}1{% elif b %}2{% else %}3{% endif %}`, new: `{{if .a}}1{{else if .b}}2{{else}}3{{end}}`, data: `{"b": 1}`, prints: `2`},
	{row: "`{% if a %}..{% elif", old: `{% if l %}1{% else %}2{% endif %}`, new: `{{if .l}}1{{else}}2{{end}}`, data: `{"l": []}`, prints: `2`},

	{row: "`a and b`", old: `{% if a and b or c %}1{% endif %}`, new: `{{if or (and .a .b) .c}}1{{end}}`, data: `{"a": 1, "c": 1}`, prints: `1`},
	{row: "`a and b`", old: `{% if not a %}1{% endif %}`, new: `{{if not .a}}1{{end}}`, data: `{"a": ""}`, prints: `1`},
	{row: "`a and b`", old: `{% if a == 3 and b != 'x' %}1{% endif %}`, new: `{{if and (eq .a 3) (ne .b "x")}}1{{end}}`, data: `{"a": 3, "b": "y"}`, prints: `1`},
	{row: "`a and b`", old: `{% if a < 4 and a >= 3 %}1{% endif %}`, new: `{{if and (lt .a 4) (ge .a 3)}}1{{end}}`, data: `{"a": 3}`, prints: `1`},
	{row: "`a and b`", old: `{% if a == 'x' or a == 'y' %}1{% endif %}`, new: `{{if eq .a "x" "y"}}1{{end}}`, data: `{"a": "y"}`, prints: `1`},
	{row: "`a and b`", old: `{% if a == '3' %}1{% else %}2{% endif %}`, new: `{{if eq .a "3"}}1{{else}}2{{end}}`, data: `{"a": 3}`, prints: `2`, here: "error: incompatible types"},

	{row: "`{{ 'x' if a else 'y' }}`", old: `{{ 'x' if a else 'y' }}`, new: `{{if .a}}x{{else}}y{{end}}`, data: `{"a": 1}`, prints: `x`},
	{row: "`{{ 'x' if a else 'y' }}`", old: `<b{{ ' hidden' if a }}>`, new: `<b{{if .a}} hidden{{end}}>`, data: `{"a": 1}`, prints: `<b hidden>`},

	{row: "`{% for i in l %}", old: `{% for p in people %}<i>{{ p.name }}</i>{% endfor %}`, new: `{{range .people}}<i>{{.name}}</i>{{end}}`, data: people, prints: `<i>Ann</i><i>Bob</i>`},
	{row: "`{% for i in l %}", old: `{% for p in empty %}x{% else %}nobody{% endfor %}`, new: `{{range .empty}}x{{else}}nobody{{end}}`, data: people, prints: `nobody`},
	{row: "`{% for i in l %}", old: `{% for i in l %}{{ x }}{{ i }}{% endfor %}`, new: `{{range .l}}{{$.x}}{{.}}{{end}}`, data: `{"x": "n", "l": [1, 2]}`, prints: `n1n2`},
	{row: "`{% for i in l %}", old: `{% for p in people if p.age > 18 %}{{ p.name }}{% endfor %}`, new: `{{range .people}}{{if gt .age 18}}{{.name}}{{end}}{{end}}`, data: people, prints: `Ann`},
	{row: "`{% for i in l %}", old: `{% for p in people if p.age > 99 %}x{% else %}nobody{% endfor %}`, new: `{{range .people}}{{if gt .age 99}}x{{end}}{{else}}nobody{{end}}`, data: people, prints: `nobody`, here: "-"},
	{row: "`{% for i in l %}", old: `{% for a, b in l %}{{ a }}{{ b }};{% endfor %}`, new: `{{range .l}}{{index . 0}}{{index . 1}};{{end}}`, data: `{"l": [[1, 2], [3, 4]]}`, prints: `12;34;`},

	{row: "`loop.index`", old: `{% for i in l %}{{ loop.index }}{{ loop.index0 }} {% endfor %}`, new: `{{range $n, $i := .l}}{{add $n 1}}{{$n}} {{end}}`, data: `{"l": ["a", "b"]}`, prints: `10 21 `},
	{row: "`loop.index`", old: `{% for i in l %}{% if not loop.first %}, {% endif %}{{ i }}{% endfor %}`, new: `{{range $n, $i := .l}}{{if $n}}, {{end}}{{$i}}{{end}}`, data: `{"l": ["a", "b"]}`, prints: `a, b`},
	{row: "`loop.index`", old: `{% for i in l %}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}`, new: `{{range $n, $i := .l}}{{$i}}{{if lt (add $n 1) (len $.l)}}, {{end}}{{end}}`, data: `{"l": ["a", "b"]}`, prints: `a, b`},
	{row: "`loop.index`", old: `{% for i in l %}{{ loop.cycle('o', 'e') }}{% endfor %}`, new: `{{range $n, $i := .l}}{{if mod $n 2}}e{{else}}o{{end}}{{end}}`, data: `{"l": [1, 2, 3]}`, prints: `oeo`},

	{row: "`for k, v in d.items()`", old: `{% for k, v in d.items()|sort %}{{ k }}={{ v }};{% endfor %}`, new: `{{range $k, $v := .d}}{{$k}}={{$v}};{{end}}`, data: `{"d": {"b": 2, "a": 1}}`, prints: `a=1;b=2;`},

	{row: "`range(3)`", old: `{% for i in range(3) %}{{ i }}{% endfor %}`, new: `{{range 3}}{{.}}{{end}}`, data: `{}`, prints: `012`},
	{row: "`range(3)`", old: `{% for i in l %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}`, new: `{{range .l}}{{if eq . 2}}{{continue}}{{end}}{{if eq . 4}}{{break}}{{end}}{{.}}{{end}}`, data: `{"l": [1, 2, 3, 4]}`, prints: `13`},

	{row: "`l[0]`", old: `{{ l[0] }}{{ l|length }}`, new: `{{index .l 0}}{{len .l}}`, data: `{"l": ["a", "b"]}`, prints: `a2`},
	{row: "`l[0]`", old: `{% for i in l[:2] %}{{ i }}{% endfor %}`, new: `{{range slice .l 0 2}}{{.}}{{end}}`, data: `{"l": [1, 2, 3]}`, prints: `12`},
	{row: "`l[0]`", old: `{% for i in l[:2] %}{{ i }}{% endfor %}`, new: `{{range slice .l 0 2}}{{.}}{{end}}`, data: `{"l": [1]}`, prints: `1`, here: "error: out of range"},
	{row: "`l[0]`", old: `{{ s|length }}`, new: `{{len .s}}`, data: `{"s": "äö"}`, prints: `2`, here: `4`},

	{row: "`'b' in items`", old: `{% if 'b' in l %}1{% endif %}{% if 'c' not in l %}2{% endif %}`, new: `{{if has .l "b"}}1{{end}}{{if not (has .l "c")}}2{{end}}`, data: `{"l": ["a", "b"]}`, prints: `12`},
	{row: "`is defined`", old: `{% if a is defined %}1{% endif %}{% if b is not defined %}2{% endif %}`, new: `{{if ne .a nil}}1{{end}}{{if eq .b nil}}2{{end}}`, data: `{"a": 0}`, prints: `12`},
	{row: "`is defined`", old: `{% if a is none %}1{% endif %}{% if n is odd %}2{% endif %}`, new: `{{if eq .a nil}}1{{end}}{{if mod .n 2}}2{{end}}`, data: `{"a": null, "n": 3}`, prints: `12`},
	{row: "`a + 1`", old: `{{ a + 1 }} {{ a % 2 }} {{ 'x' ~ a }}`, new: `{{add .a 1}} {{mod .a 2}} x{{.a}}`, data: `{"a": 3}`, prints: `4 1 x3`},

	{row: "`{% set x = a %}`", old: `{% set x = a %}{{ x }}`, new: `{{$x := .a}}{{$x}}`, data: `{"a": 3}`, prints: `3`},
	{row: "`{% set x = a %}`", old: `{% set x = 1 %}{% if a %}{% set x = 2 %}{% endif %}{{ x }}`, new: `{{$x := 1}}{{if .a}}{{$x = 2}}{{end}}{{$x}}`, data: `{"a": 3}`, prints: `2`},
	{row: "`{% set x = a %}`", old: `{% set x = 1 %}{% for i in l %}{% set x = i %}{% endfor %}{{ x }}`, new: `{{$x := 1}}{{range .l}}{{$x = .}}{{end}}{{$x}}`, data: `{"l": [5, 6]}`, prints: `1`, here: `6`},
	{row: "`{% with x = a %}`", old: `{% with x = a %}{{ x }}{% endwith %}`, new: `{{with $x := .a}}{{$x}}{{end}}`, data: `{"a": 3}`, prints: `3`},
	{row: "`{% with x = a %}`", old: `{% with x = a %}[{{ x }}]{% endwith %}`, new: `{{with $x := .a}}[{{$x}}]{{end}}`, data: `{"a": 0}`, prints: `[0]`, here: "-"},

	{row: "`{% extends %}`", old: `{% extends "base1.html" %}{% block c %}<b>{{ x }}</b>{% endblock %}`, new: `{{define "c"}}<b>{{.x}}</b>{{end}}`,
		files: map[string]string{"base1.html": `<i>{% block c %}{% endblock %}</i>`, "layout": `<i>{{block "c" .Data}}{{end}}</i>{{template "content" .Data}}`}, data: `{"x": 1}`, prints: `<i><b>1</b></i>`},
	{row: "`{% extends %}`", old: `{% extends "base2.html" %}`, new: ``,
		files: map[string]string{"base2.html": `<i>{% block d %}empty{% endblock %}</i>`, "layout": `<i>{{block "d" .Data}}empty{{end}}</i>{{template "content" .Data}}`}, data: `{}`, prints: `<i>empty</i>`},
	{row: "`{% extends %}`", old: `{% extends "base3.html" %}{% block item %}<b>{{ i }}</b>{% endblock %}`, new: `{{define "item"}}<b>{{.}}</b>{{end}}`,
		files: map[string]string{"base3.html": `{% for i in l %}{% block item scoped %}{% endblock %}{% endfor %}`, "layout": `{{range .Data.l}}{{block "item" .}}{{end}}{{end}}{{template "content" .Data}}`}, data: `{"l": [1, 2]}`, prints: `<b>1</b><b>2</b>`},
	{row: "`{% extends %}`", old: `{% extends "base4.html" %}{% block e %}{{ super() }}!{% endblock %}`, new: `{{define "after"}}!{{end}}`,
		files: map[string]string{"base4.html": `{% block e %}a{% endblock %}`, "layout": `{{block "e" .Data}}a{{end}}{{block "after" .Data}}{{end}}{{template "content" .Data}}`}, data: `{}`, prints: `a!`},

	{row: "`{% include", old: `{% include "part1.html" %}`, new: `{{template "hello" .}}`,
		files: map[string]string{"part1.html": `<i>{{ x }}</i>`, "parts/hello": `<i>{{.x}}</i>`}, data: `{"x": 1}`, prints: `<i>1</i>`},
	{row: "`{% macro f(n) %}`", old: `{% macro f(n, t='text') %}<input name="{{ n }}" type="{{ t }}">{% endmacro %}{{ f('a') }}{{ f('b', t='url') }}`,
		new:  `{{define "input"}}<input name="{{.n}}" type="{{or .t "text"}}">{{end}}{{template "input" dict "n" "a"}}{{template "input" dict "n" "b" "t" "url"}}`,
		data: `{}`, prints: `<input name="a" type="text"><input name="b" type="url">`},
	{row: "`{% macro f(n) %}`", old: `{% import "forms.html" as forms %}{{ forms.bold(x) }}`, new: `{{template "bold" .x}}`,
		files: map[string]string{"forms.html": `{% macro bold(s) %}<b>{{ s }}</b>{% endmacro %}`, "parts/bold": `<b>{{.}}</b>`}, data: `{"x": "<"}`, prints: `<b>&lt;</b>`},
	{row: "a recursive loop", old: `{% for n in tree recursive %}<i>{{ n.name }}{{ loop(n.below) }}</i>{% endfor %}`, new: `{{define "tree"}}{{range .}}<i>{{.name}}{{template "tree" .below}}</i>{{end}}{{end}}{{template "tree" .tree}}`,
		data: `{"tree": [{"name": "a", "below": [{"name": "b", "below": []}]}]}`, prints: `<i>a<i>b</i></i>`},
	{row: "`{% call %}`", old: `{% macro box() %}<b>{{ caller() }}</b>{% endmacro %}{% call box() %}x{% endcall %}`, new: `{{define "box"}}<b>{{end}}{{define "xob"}}</b>{{end}}{{template "box"}}x{{template "xob"}}`, data: `{}`, prints: `<b>x</b>`},
	{row: "`{% call %}`", old: `{% filter upper %}a{{ x }}{% endfilter %}`, new: `{{upper (print "a" .x)}}`, data: `{"x": "b"}`, prints: `AB`},

	{row: "`{{ x\\|safe }}`", old: `{{ x|safe }}`, new: `{{safe .x}}`, data: `{"x": "<b>"}`, prints: `<b>`},
	{row: "`{{ x\\|safe }}`", old: `{% autoescape false %}{{ x }}{% endautoescape %}`, new: `{{safe .x}}`, data: `{"x": "<b>"}`, prints: `<b>`},
	{row: "`{{ x\\|e }}`", old: `{{ x|e }}`, new: `{{.x}}`, data: `{"x": "<"}`, prints: `&lt;`},
	{row: "`{{ x\\|e }}`", old: `<a href="/s?q={{ x|urlencode }}">`, new: `<a href="/s?q={{.x}}">`, data: `{"x": "a b&c"}`, prints: `<a href="/s?q=a%20b%26c">`},
	{row: "`{{ x\\|e }}`", old: `<script>var u = {{ x|tojson }};</script>`, new: `<script>var u = {{.x}};</script>`, data: `{"x": [1, "<a>"]}`, prints: `<script>var u = [1, "\u003ca\u003e"];</script>`, here: `<script>var u = [1,"\u003ca\u003e"];</script>`},
	{row: "`{{ x\\|e }}`", old: `<a href="{{ x }}">`, new: `<a href="{{.x}}">`, data: `{"x": "/a?b=c&d=e f"}`, prints: `<a href="/a?b=c&amp;d=e f">`, here: `<a href="/a?b=c&amp;d=e%20f">`},
	{row: "`{{ \"%.2f\"\\|format(f) }}`", old: `{{ "%.2f"|format(f) }} {{ "%03d"|format(n) }}`, new: `{{printf "%.2f" .f}} {{printf "%03d" .n}}`, data: `{"f": 1.005, "n": 7}`, prints: `1.00 007`},
	{row: "`\\|upper`", old: `{{ x|upper }}{{ x|title }}{{ l|join(', ') }}{{ x|replace('a', 'o') }}`, new: `{{upper .x}}{{title .x}}{{join .l ", "}}{{replace .x "a" "o"}}`, data: `{"x": "ann", "l": ["a", "b"]}`, prints: `ANNAnna, bonn`},
	{row: "`\\|upper`", old: `{{ x|truncate(9) }}`, new: `{{truncate .x 9}}`, data: `{"x": "the quick brown fox"}`, prints: `the...`, here: `the quic…`},

	{row: "`{# .. #}`", old: `a{# c #}b`, new: `a{{/* c */}}b`, data: `{}`, prints: `ab`},
	{row: "`{# .. #}`", old: `a<!-- {{ x }} -->b`, new: `a<!-- {{.x}} -->b`, data: `{"x": 1}`, prints: `a<!-- 1 -->b`, here: `ab`},
	{row: "`{%- .. -%}`", old: "a\n{%- if x -%}\n b \n{%- endif -%}\nc", new: "a\n{{- if .x -}}\n b \n{{- end -}}\nc", data: `{"x": 1}`, prints: `abc`},
	{row: "AngularJS's", old: `{% raw %}{{ x }}{% endraw %}`, new: `{{"{{ x }}"}}`, data: `{}`, prints: `{{ x }}`},

	{row: "`{% if a %}class=\"", old: `<b {% if a %}class="{% endif %}x">`, new: `<b {{if .a}}class="{{end}}x">`, data: `{"a": 1}`, prints: `<b class="x">`, here: "Parse: branches end in different contexts"},
	{row: "`href=\"{{ x }}\"` with", old: `<a href="{{ x }}">`, new: `<a href="{{.x}}">`, data: `{"x": "javascript:alert(1)"}`, prints: `<a href="javascript:alert(1)">`, here: `<a href="#ZgotmplZ">`},
	{row: "`href=\"{{ x }}\"` with", old: `<img src="{{ x }}">`, new: `<img src="{{.x}}">`, data: `{"x": "data:image/png;base64,AA"}`, prints: `<img src="data:image/png;base64,AA">`, here: `<img src="#ZgotmplZ">`},
	{row: "`style=\"color:", old: `<b style="color: {{ x }}">`, new: `<b style="color: {{.x}}">`, data: `{"x": "url(x)"}`, prints: `<b style="color: url(x)">`, here: `<b style="color: ZgotmplZ">`},
	{row: "`style=\"color:", old: `<b style="color: {{ x }}">`, new: `<b style="color: {{.x}}">`, data: `{"x": "red"}`, prints: `<b style="color: red">`},
	{row: "`var s = \"{{ x }}\"`", old: `<script>var s = "{{ x }}";</script>`, new: `<script>var s = "{{.x}}";</script>`, data: `{"x": "a'b"}`, prints: `<script>var s = "a&#39;b";</script>`, here: `<script>var s = "a\u0027b";</script>`},
	{row: "a tag's name", old: `<{{ t }}>x</{{ t }}>`, new: `<{{.t}}>x</{{.t}}>`, data: `{"t": "h1"}`, prints: `<h1>x</h1>`, here: `&lt;h1>x&lt;/h1>`},
}

// functions are those that the rows name, as an application would write them.
var functions = template.FuncMap{
	"add": func(a, b int) int { return a + b },
	"mod": func(a, b int) int { return a % b },
	"has": func(list []any, item any) bool { return slices.Contains(list, item) },
	"dict": func(pairs ...any) map[string]any {
		d := map[string]any{}
		for i := 0; i+1 < len(pairs); i += 2 {
			d[pairs[i].(string)] = pairs[i+1]
		}
		return d
	},
	"upper":   strings.ToUpper,
	"title":   func(s string) string { return strings.ToUpper(s[:1]) + s[1:] },
	"replace": func(s, old, new string) string { return strings.ReplaceAll(s, old, new) },
	"join": func(list []any, between string) string {
		var texts []string
		for _, item := range list {
			texts = append(texts, fmt.Sprint(item))
		}
		return strings.Join(texts, between)
	},
	"truncate": func(s string, n int) string {
		if runes := []rune(s); len(runes) > n {
			return string(runes[:n-1]) + "…"
		}
		return s
	},
	"safe": func(s string) template.HTML { return template.HTML(s) },
}

// here returns what html/template prints for a construct, within a Set of its own pages.
func (c construct) printsHere(set *templates.Set, name string) string {
	decoder := json.NewDecoder(strings.NewReader(c.data))
	decoder.UseNumber()
	var data any
	if err := decoder.Decode(&data); err != nil {
		return "error: " + err.Error()
	}
	page := &templates.Page{Layout: templates.NoLayout, Data: goNumbers(data)}
	if _, ok := c.files["layout"]; ok {
		page.Layout = name
	}
	var b bytes.Buffer
	if err := set.Render(&b, name, page); err != nil {
		return "error: " + err.Error()
	}
	return b.String()
}

// goNumbers turns the numbers of JSON into an int, or into a float64 if they have a point.
func goNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		for key, item := range v {
			v[key] = goNumbers(item)
		}
	case []any:
		for i, item := range v {
			v[i] = goNumbers(item)
		}
	}
	return v
}

// What docs/migrating.md says to write instead of each construct of jinja2 prints what jinja2
// prints, or what the document says that it prints instead.
func TestJinja2(t *testing.T) {
	printed := jinja2(t)
	files := fstest.MapFS{}
	for i, c := range constructs {
		name := fmt.Sprintf("case%d", i)
		if strings.HasPrefix(c.here, "Parse: ") {
			_, err := templates.Parse(fstest.MapFS{"home.html": {Data: []byte(c.new)}}, functions)
			if want := strings.TrimPrefix(c.here, "Parse: "); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: Parse returns %v, want %q", c.row, err, want)
			}
			continue
		}
		files[name+".html"] = &fstest.MapFile{Data: []byte(c.new)}
		for file, text := range c.files {
			switch {
			case file == "layout":
				files["layouts/"+name+".html"] = &fstest.MapFile{Data: []byte(text)}
			case strings.HasPrefix(file, "parts/"):
				files[file+".html"] = &fstest.MapFile{Data: []byte(text)}
			}
		}
	}
	set, err := templates.Parse(files, functions)
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for i, c := range constructs {
		if printed != nil && printed[i] != c.prints {
			t.Errorf("%s: jinja2 prints %q for %s, want %q", c.row, printed[i], c.old, c.prints)
		}
		want := c.here
		switch want {
		case "":
			want = c.prints
			same++
		case "-":
			want = ""
		}
		if strings.HasPrefix(want, "Parse: ") {
			continue
		}
		got := c.printsHere(set, fmt.Sprintf("case%d", i))
		if message, isError := strings.CutPrefix(want, "error: "); isError && strings.HasPrefix(got, "error: ") && strings.Contains(got, message) {
			continue
		}
		if got != want {
			t.Errorf("%s: %q prints %q, want %q", c.row, c.new, got, want)
		}
	}
	t.Logf("%d of %d print the same", same, len(constructs))
	checkRows(t, same)
}

// checkRows checks that each row of the document has a construct and each construct a row, and
// that the document has the right numbers.
func checkRows(t *testing.T, same int) {
	text, err := os.ReadFile("../docs/migrating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## jinja2 and html/template\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var rows []string
	for _, row := range regexp.MustCompile(`(?m)^\| (.*)`).FindAllStringSubmatch(section, -1) {
		if !strings.HasPrefix(row[1], "---") && !strings.HasPrefix(row[1], "jinja2 |") {
			rows = append(rows, row[1])
		}
	}
	for _, row := range rows {
		if !slices.ContainsFunc(constructs, func(c construct) bool { return strings.HasPrefix(row, c.row) }) && !strings.Contains(row, "(#translation)") {
			t.Errorf("no construct tests the row | %s", row)
		}
	}
	for _, c := range constructs {
		if !slices.ContainsFunc(rows, func(row string) bool { return strings.HasPrefix(row, c.row) }) {
			t.Errorf("docs/migrating.md has no row that begins with | %s", c.row)
		}
	}
	if want := fmt.Sprintf("%d of %d", same, len(constructs)); !strings.Contains(section, want) {
		t.Errorf("docs/migrating.md does not say %q", want)
	}
}

// jinja2 returns what jinja2 prints for each construct, or nil if it is not installed.
func jinja2(t *testing.T) []string {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import jinja2").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3-jinja2 is not installed: make packages")
		}
		t.Log("python3-jinja2 is not installed, so that what jinja2 prints is not checked: make packages")
		return nil
	}
	type rendering struct {
		Page  string
		Files map[string]string
		Data  json.RawMessage
	}
	var all []rendering
	for _, c := range constructs {
		all = append(all, rendering{c.old, c.files, json.RawMessage(c.data)})
	}
	input, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(python, "-c", `
import json, sys, jinja2
printed = []
for c in json.load(sys.stdin):
    env = jinja2.Environment(loader=jinja2.DictLoader(c["Files"] or {}), autoescape=True, extensions=["jinja2.ext.loopcontrols"])
    printed.append(env.from_string(c["Page"]).render(c["Data"]))
json.dump(printed, sys.stdout)
`)
	command.Stdin, command.Stderr = bytes.NewReader(input), os.Stderr
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var printed []string
	if err := json.Unmarshal(output, &printed); err != nil || len(printed) != len(constructs) {
		t.Fatalf("%v, %d results", err, len(printed))
	}
	return printed
}
