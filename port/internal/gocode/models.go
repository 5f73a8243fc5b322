package gocode

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/webapp2go/webapp2go/port/internal/source"
)

// goTypes has the Go type of each kind of property. Other properties stay in the struct's
// Kept.
var goTypes = map[string]string{
	"IntegerProperty": "int64", "RatingProperty": "int64", "FloatProperty": "float64", "BooleanProperty": "bool",
	"StringProperty": "string", "TextProperty": "string", "BlobKeyProperty": "string", "BlobReferenceProperty": "string", "LinkProperty": "string", "EmailProperty": "string",
	"PhoneNumberProperty": "string", "CategoryProperty": "string", "PostalAddressProperty": "string", "ByteStringProperty": "[]byte",
	"BlobProperty": "[]byte", "PickleProperty": "[]byte", "JsonProperty": "[]byte",
	"DateTimeProperty": "time.Time", "DateProperty": "time.Time", "TimeProperty": "time.Time",
	"GeoPtProperty": "*datastore.GeoPoint", "KeyProperty": "*datastore.Key", "ReferenceProperty": "*datastore.Key", "SelfReferenceProperty": "*datastore.Key",
	"StringListProperty": "[]string", "UserProperty": "*ndb.User",
}

// models returns the text of models.go. It is empty if the sources have no models.
func (w *writer) models() string {
	if len(w.app.Models) == 0 {
		return ""
	}
	for _, m := range w.app.Models {
		w.names[m.Class] = w.unique(exported(m.Class.Name), m.Class.Module.Name)
	}
	var b bytes.Buffer
	for _, m := range w.app.Models {
		w.model(&b, m)
	}
	text := "package main\n\nimport (\n"
	if uses(b.String(), "time.Time") {
		text += "\"time\"\n\n"
	}
	text += "\"cloud.google.com/go/datastore\"\n\n\"" + home + "/webapp2/ndb\"\n)\n"
	if !uses(b.String(), "ndb.") { // all are parts of models elsewhere
		text = strings.Replace(text, "\""+home+"/webapp2/ndb\"\n", "", 1)
	}
	if !uses(b.String(), "datastore.") {
		text = strings.Replace(text, "\"cloud.google.com/go/datastore\"\n", "", 1)
	}
	return text + b.String()
}

func (w *writer) model(b *bytes.Buffer, m *source.Model) {
	name := w.names[m.Class]
	fmt.Fprintf(b, "\n// %s was the model %s of %s:%d.\n", name, m.Class.Name, m.Class.Module.File, m.Class.Line)
	if m.Part {
		b.WriteString("// It is a part of other entities, whose structs keep what it does not know.\n")
	} else {
		b.WriteString("// Make the client with ndb.ClientOption().\n")
	}
	fmt.Fprintf(b, "type %s struct {\n", name)
	used := map[string]bool{"Load": true, "Save": true, "Kept": true}
	if m.Poly {
		b.WriteString("Class []string `datastore:\"class\"`\n")
		used["Class"] = true
	}
	for _, p := range m.Properties {
		field := exported(p.Name)
		for used[field] {
			field += "Value"
		}
		used[field] = true
		options := ""
		if p.NoIndex {
			options = ",noindex"
		}
		goType := goTypes[p.Kind]
		switch part := w.names[p.Model]; {
		case p.Kind == "StructuredProperty" && part != "" && p.Model != m.Class && p.Repeated:
			goType, options = "[]"+part, options+",flatten"
		case p.Kind == "StructuredProperty" && part != "" && p.Model != m.Class:
			goType, options = "*"+part, options+",flatten"
		case p.Kind == "LocalStructuredProperty" && p.Packed:
			goType = "[]byte"
		case p.Kind == "LocalStructuredProperty" && part != "" && p.Model != m.Class && p.Repeated:
			goType = "[]" + part
		case p.Kind == "LocalStructuredProperty" && part != "" && p.Model != m.Class:
			goType = "*" + part
		case goType != "" && p.Repeated:
			goType = "[]" + goType
		}
		if goType == "" || strings.ContainsAny(p.Stored, "\",`\\ ") || strings.ContainsFunc(p.Stored, unicode.IsControl) || p.Stored == "" {
			fmt.Fprintf(b, "// %s, line %d, is a %s: Kept.Get(%q)\n", p.Name, p.Line, oneLine(p.Kind), p.Stored)
			continue
		}
		fmt.Fprintf(b, "%s %s `datastore:\"%s%s\"`\n", field, goType, p.Stored, options)
	}
	if m.Part {
		b.WriteString("}\n")
		return
	}
	b.WriteString("Kept ndb.Kept `datastore:\"-\"`\n}\n")
	receiver, _ := utf8.DecodeRuneInString(lowered(name))
	fmt.Fprintf(b, "\nfunc (%c *%s) Load(ps []datastore.Property) error { return ndb.Load(%[1]c, &%[1]c.Kept, ps) }\n", receiver, name)
	fmt.Fprintf(b, "\nfunc (%c *%s) Save() ([]datastore.Property, error) { return ndb.Save(%[1]c, &%[1]c.Kept) }\n", receiver, name)
}
