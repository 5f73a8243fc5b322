package sessions_test

import (
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/webapp2go/webapp2go/sessions"
)

type (
	page struct {
		Name   string
		Parent *page
	}
	pages    []pages
	tree     map[string]tree
	pointers *pointers

	base    struct{ Back any }
	derived struct {
		base
		Name string
	}
	pair   struct{ A, B *pair }
	worded struct{ Back *worded }
)

// MarshalText is not used for CBOR: the type is encoded like any other struct.
func (*worded) MarshalText() ([]byte, error) { return []byte("worded"), nil }

func fresh(t *testing.T) *sessions.Session {
	_, r := recorder()
	return newManager(t, nil).Store(r).Session()
}

// cyclic are values that contain themselves.
func cyclic() map[string]any {
	object := map[string]any{"name": "object"}
	object["self"] = object

	many := map[string]any{}
	for _, key := range strings.Split("abcdefghijklmnop", "") {
		many[key] = many
	}

	byAny := map[any]any{}
	byAny[1] = []any{byAny}

	list := []any{1, nil}
	list[1] = list

	typed := make(pages, 2)
	typed[0], typed[1] = typed, typed

	grown := tree{}
	grown["branch"] = tree{"leaf": nil, "root": grown}

	a := &page{Name: "a"}
	a.Parent = &page{Name: "b", Parent: a}

	var pointer pointers
	pointer = &pointer

	var held any
	held = &held

	embedded := &derived{Name: "derived"}
	embedded.Back = embedded

	text := &worded{}
	text.Back = text

	return map[string]any{
		"map":                              object,
		"map of many ways back":            many,
		"map of any keys":                  byAny,
		"slice":                            list,
		"slice of its own type":            typed,
		"map of its own type":              grown,
		"ring of pointers to structs":      a,
		"ring in a struct":                 *a,
		"ring in a slice of structs":       []page{{Name: "c"}, *a},
		"ring in an array":                 [2]*page{nil, a},
		"ring as a key":                    map[*page]bool{a: true},
		"pointer to itself":                pointer,
		"pointer to an any that holds it":  held,
		"behind an embedded struct":        embedded,
		"behind a tag":                     cbor.Tag{Number: 1000, Content: object},
		"with a method that is not called": text,
	}
}

func TestValuesThatHoldThemselves(t *testing.T) {
	for name, value := range cyclic() {
		for doing, do := range map[string]func(*sessions.Session){
			"set v":        func(s *sessions.Session) { s.Set("v", value) },
			"keep a flash": func(s *sessions.Session) { s.AddFlash(value, "") },
			"update v":     func(s *sessions.Session) { sessions.Update(s, "v", func(any) any { return value }) },
		} {
			t.Run(name+": "+doing, func(t *testing.T) {
				s := fresh(t)
				do(s)
				want := `sessions: session "session": cannot ` + doing + ": it holds itself"
				if err := s.Err(); err == nil || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("error %v, want one that begins with %q", err, want)
				}
			})
		}
	}
}

// A value that refers to the same thing many times is as large as if it had many copies. That
// is detected without counting all of them.
func TestValuesThatSpread(t *testing.T) {
	var list any
	object, twins, long := map[int]any{}, &pair{}, strings.Repeat("x", 10<<10)
	for range 30 {
		list = []any{list, list}
		object = map[int]any{1: object, 2: object}
		twins = &pair{twins, twins}
	}
	texts := make([]any, 1000)
	for i := range texts {
		texts[i] = long
	}
	for name, value := range map[string]any{"list": list, "map": object, "struct": twins, "text": texts} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			s.Set("v", value)
			if err := s.Err(); !errors.Is(err, sessions.ErrTooLarge) {
				t.Errorf("error %v, want ErrTooLarge", err)
			}
		})
	}
}

type (
	ring     []any
	asCBOR   struct{ Back *asCBOR }
	asBinary struct{ Back *asBinary }
	inner    struct{ unkept any }
	leaf     struct {
		Omitted []int `cbor:",omitempty"`
	}
)

func (*asCBOR) MarshalCBOR() ([]byte, error)    { return []byte("\x61c"), nil }
func (asBinary) MarshalBinary() ([]byte, error) { return []byte("b"), nil }

// Fields that are not encoded may have any value. Values that are deep or large are accepted if
// they can be read again.
func TestValuesThatOnlySeemToHoldThemselves(t *testing.T) {
	loop := ring{nil}
	loop[0] = loop
	c, b := &asCBOR{}, &asBinary{}
	c.Back, b.Back = c, b

	var list, pointed any = "end", "end"
	chain, shared := &page{}, &page{Name: "shared"}
	for range 30 {
		list = []any{list}
		pointed = &map[any]*any{"x": new(pointed)}
		chain = &page{Parent: chain}
	}
	small := make([]*int8, 600<<10)
	for i := range small {
		small[i] = new(int8(i % 24))
	}
	for name, value := range map[string]any{
		"31 slices":                       list,
		"31 maps behind pointers":         pointed,
		"31 structs":                      chain,
		"the same thing twice":            []*page{shared, shared, {Parent: shared}},
		"unexported field":                struct{ back any }{loop},
		"unexported field of an embedded": struct{ inner }{inner{loop}},
		"unexported embedded slice":       struct{ ring }{loop},
		"field left out by its cbor tag": struct {
			Back any `cbor:"-"`
		}{loop},
		"field left out by its json tag": struct {
			Back any `json:"-"`
		}{loop},
		"method MarshalCBOR":                c,
		"method MarshalCBOR, inside":        map[string]asCBOR{"c": *c},
		"method MarshalBinary":              b,
		"method MarshalBinary, inside":      []any{*b, b},
		"nearly as many bytes as there may": make([]byte, 1<<20-100),
		"nearly as many items as there may": make([]any, 1<<20-100),
		"many items behind pointers":        small,
		"many structs of nothing":           make([]leaf, 600<<10),
		"array left out where it is zero": make([]struct {
			A [9]int `cbor:",omitzero"`
		}, 120<<10),
		"infinite": []float64{math.Inf(1)},
	} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			s.Set("v", value)
			if err := s.Err(); err != nil {
				t.Fatal(err)
			}
			if s.Get("v") == nil {
				t.Error("nothing was kept")
			}
		})
	}
}

func TestCyclicValueFailsTheResponse(t *testing.T) {
	value := cyclic()["map"]
	site := newSite(t, sessions.Config{}, map[string]action{
		"/": func(st *sessions.Store, _ *http.Request) string { st.Session().Set("v", value); return "" },
	})
	a := site.browser().get("/")
	if a.StatusCode != http.StatusInternalServerError || !strings.Contains(a.body, "instead") {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}
