package source

import (
	"slices"
	"strings"

	"github.com/webapp2go/webapp2go/port/internal/pytree"
)

// A Model is a class of entities of ndb or db.
type Model struct {
	Class      *Class
	Properties []Property // with those of its bases
	Poly       bool       // it derives from PolyModel
	Part       bool       // a StructuredProperty names it
}

// A Property is one property of a Model.
type Property struct {
	Name     string // of the attribute
	Stored   string // in Datastore
	Kind     string // "IntegerProperty"
	Model    *Class // of a StructuredProperty or LocalStructuredProperty; nil if it is not known
	Repeated bool
	NoIndex  bool
	Packed   bool // compressed
	Line     int
}

// findModels lists the models of the sources, in the order of the files.
func (a *Application) findModels() {
	byClass := map[*Class]*Model{}
	for _, m := range a.ordered() {
		var classes []*Class
		for _, v := range m.scope.names {
			if c, ok := v.(*Class); ok && c.Module == m && !slices.Contains(classes, c) {
				classes = append(classes, c)
			}
		}
		slices.SortFunc(classes, func(x, y *Class) int { return x.Line - y.Line })
		for _, c := range classes {
			root := externalRoot(c, 0)
			name := last(root)
			if !strings.HasPrefix(root, "google.appengine.ext.") && !strings.HasPrefix(root, "google.cloud.ndb") || name != "Model" && name != "Expando" && name != "PolyModel" {
				continue
			}
			model := &Model{Class: c, Poly: name == "PolyModel"}
			model.Properties = a.properties(c, 0)
			byClass[c] = model
			a.Models = append(a.Models, model)
		}
	}
	for _, model := range a.Models {
		for _, p := range model.Properties {
			if part := byClass[p.Model]; part != nil && p.Kind == "StructuredProperty" {
				part.Part = true
			}
		}
	}
}

// properties returns the properties of a model, those of its bases first.
func (a *Application) properties(c *Class, depth int) []Property {
	var list []Property
	for _, base := range c.bases {
		if b, ok := base.(*Class); ok && depth < maxDepth {
			list = append(list, a.properties(b, depth+1)...)
		}
	}
	for _, statement := range c.node.Child("body").NamedChildren() {
		if statement.Kind != "expression_statement" || len(statement.NamedChildren()) != 1 {
			continue
		}
		assignment := statement.NamedChildren()[0]
		left, right := assignment.Child("left"), assignment.Child("right")
		if assignment.Kind != "assignment" || left == nil || right == nil || left.Kind != "identifier" || right.Kind != "call" {
			continue
		}
		kind := last(right.Child("function").Text)
		if !strings.HasSuffix(kind, "Property") {
			continue
		}
		p := Property{Name: left.Text, Stored: left.Text, Kind: kind, Line: statement.Line}
		a.options(&p, c, right.Child("arguments"))
		list = slices.DeleteFunc(list, func(old Property) bool { return old.Name == p.Name })
		list = append(list, p)
	}
	return list
}

// options reads the arguments of a property.
func (a *Application) options(p *Property, c *Class, arguments *pytree.Node) {
	switch p.Kind {
	case "TextProperty", "JsonProperty", "BlobProperty", "PickleProperty", "LocalStructuredProperty":
		p.NoIndex = true
	}
	var yes, no value = boolean(true), boolean(false)
	r := a.runner(c.Module, 0)
	for i, argument := range arguments.NamedChildren() {
		name, value := "", argument
		if argument.Kind == "keyword_argument" {
			name, value = argument.Child("name").Text, argument.Child("value")
		}
		v := r.eval(value, c.scope)
		switch {
		case name == "repeated":
			p.Repeated = v == yes
		case name == "indexed":
			p.NoIndex = v == no
		case name == "compressed":
			p.Packed = v == yes
		case name == "name", name == "" && i <= 1:
			if t, ok := v.(text); ok {
				p.Stored = string(t)
			}
			if model, ok := v.(*Class); ok {
				p.Model = model
			}
		}
	}
}
