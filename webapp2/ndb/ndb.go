// Package ndb lets a Go program share the entities of a Python program that uses ndb, so that
// writing one back loses nothing.
//
// The Datastore client alone loses what a struct does not know: an unknown property is an
// error when an entity is read, and is gone when it is written; None becomes 0 or "". A
// struct that has a [Kept] keeps both. It needs two methods of one line:
//
//	type Greeting struct {
//		Author  *Author   `datastore:"author,flatten"` // a StructuredProperty
//		Content string    `datastore:"content,noindex"`
//		Date    time.Time `datastore:"date"`
//		Kept    ndb.Kept  `datastore:"-"`
//	}
//
//	func (g *Greeting) Load(ps []datastore.Property) error     { return ndb.Load(g, &g.Kept, ps) }
//	func (g *Greeting) Save() ([]datastore.Property, error)    { return ndb.Save(g, &g.Kept) }
//
// Some properties of ndb have a mark that the client does not show to the program and does
// not write: those that are compressed, and UserProperty. A client made with [ClientOption]
// treats them as ndb does.
//
//	client, err := datastore.NewClient(ctx, project, ndb.ClientOption())
//
// Both programs write whole entities, and the last one wins: read and write in one
// transaction. docs/migrating.md has a table of ndb's properties and what they are in a
// struct.
//
// The package example reads and writes an entity.
package ndb

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/datastore"
	"google.golang.org/protobuf/encoding/protowire"
)

// Kept is what an entity had when it was loaded. A struct holds it in a field with the tag
// `datastore:"-"`. Copies of the struct share what was loaded, which does not change.
//
// It is for the struct of a whole entity, and for that of an embedded one (a
// LocalStructuredProperty). A struct with the option flatten must have none: the struct
// around it keeps its unknown parts.
//
// The memory of a Kept is that of the properties.
type Kept struct {
	loaded  []datastore.Property // as they came
	unknown map[string]bool      // names that the struct does not know
	read    bool                 // Load has run
	refuse  error                // why Save must not write; nil if it may
}

// noField is the reason with which the client reports a property that a struct does not know.
const noField = "no such struct field"

// Load fills an entity, a pointer to a struct, with the properties that it knows, and keeps
// all of them. A property that the struct does not know is no error. If a known one does not
// fit its field, Load fills in the others and returns an error, and [Save] refuses to write
// the entity, because the value would be lost.
//
// As with the client alone, a field whose property is missing keeps the value that it had:
// give each Get a new struct.
func Load(entity any, kept *Kept, ps []datastore.Property) error {
	v := reflect.ValueOf(entity)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("ndb: Load needs a pointer to a struct, not a %T", entity)
	}
	*kept = Kept{loaded: ps, unknown: map[string]bool{}, read: true}
	var mistakes []error
	for _, p := range ps {
		if strings.Contains(p.Name, ".") {
			// The client makes a struct for a nil pointer before it finds that the part is unknown.
			scratch := reflect.New(v.Elem().Type()).Interface()
			if isUnknown(datastore.LoadStruct(scratch, []datastore.Property{p})) {
				kept.unknown[p.Name] = true
				continue
			}
		}
		switch err := datastore.LoadStruct(entity, []datastore.Property{p}); {
		case isUnknown(err):
			kept.unknown[p.Name] = true
		case err != nil:
			mistakes = append(mistakes, err)
		}
	}
	if len(mistakes) > 0 {
		kept.refuse = errors.Join(mistakes...)
		return kept.refuse
	}
	return nil
}

func isUnknown(err error) bool {
	var mismatch *datastore.ErrFieldMismatch
	return errors.As(err, &mismatch) && mismatch.Reason == noField
}

// Save returns the properties of an entity, a pointer to a struct: what the struct says, and
// what was loaded and the struct does not know. None stays None and a missing property stays
// missing as long as the field has its zero value; use a pointer for a field that the program
// sets to zero on purpose. The index of a loaded property stays as it was.
//
// Save returns an error if the entity was not loaded completely: see [Load] and
// [Kept.Partial].
func Save(entity any, kept *Kept) ([]datastore.Property, error) {
	if kept.refuse != nil {
		return nil, fmt.Errorf("ndb: a %T that was not loaded completely is not saved: %w", entity, kept.refuse)
	}
	out, err := datastore.SaveStruct(entity)
	if err != nil || !kept.read {
		return out, err
	}
	loaded := make(map[string]datastore.Property, len(kept.loaded))
	for _, p := range kept.loaded {
		loaded[p.Name] = p
	}
	written := make(map[string]bool, len(out))
	result := out[:0]
	for _, p := range out {
		old, was := loaded[p.Name]
		switch {
		case !was && isZero(p.Value):
			continue // missing stays missing
		case was && isZero(p.Value) && isZero(old.Value):
			p.Value = old.Value // None stays None
		case was:
			p.Value = keepNones(old.Value, p.Value)
		}
		if was {
			p.NoIndex = old.NoIndex
		}
		written[p.Name] = true
		result = append(result, p)
	}
	gone := goneStructs(entity, kept, written)
	for _, p := range kept.loaded {
		switch {
		case written[p.Name], hasParent(p.Name, gone):
		case kept.unknown[p.Name] && !hasParent(p.Name, written), isZero(p.Value) && !hasPart(p.Name, written) && !hasParent(p.Name, written):
			result = append(result, p)
		}
	}
	for name := range gone {
		if _, wasList := firstPart(name, kept.loaded).Value.([]any); !wasList {
			result = append(result, datastore.Property{Name: name})
		}
	}
	return result, nil
}

// goneStructs returns the names of flattened structs that had parts and that the program has
// set to nil: the client writes nothing for them, and ndb has None there.
func goneStructs(entity any, kept *Kept, written map[string]bool) map[string]bool {
	gone := map[string]bool{}
	for _, p := range kept.loaded {
		if kept.unknown[p.Name] || written[p.Name] {
			continue
		}
		for i, c := range p.Name {
			if c != '.' {
				continue
			}
			if name := p.Name[:i]; !written[name] && !hasPart(name, written) && canBeNil(reflect.TypeOf(entity).Elem(), name) {
				gone[name] = true
				break
			}
		}
	}
	return gone
}

// canBeNil reports whether the field of a name is a pointer to a struct or a slice of them.
func canBeNil(t reflect.Type, name string) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("datastore"), ",")
		if tag == "" {
			tag = f.Name
		}
		rest, inside := strings.CutPrefix(name, tag+".")
		if !inside && tag != name {
			continue
		}
		inner := f.Type
		nilable := inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice
		if nilable {
			inner = inner.Elem()
		}
		if inner.Kind() != reflect.Struct {
			continue
		}
		if !inside {
			return nilable
		}
		if canBeNil(inner, rest) {
			return true
		}
	}
	return false
}

// firstPart returns a loaded part of a struct.
func firstPart(name string, loaded []datastore.Property) datastore.Property {
	for _, p := range loaded {
		if strings.HasPrefix(p.Name, name+".") {
			return p
		}
	}
	return datastore.Property{}
}

// hasPart reports whether a part of a property was written: "st.x" of "st".
func hasPart(name string, written map[string]bool) bool {
	for other := range written {
		if strings.HasPrefix(other, name+".") {
			return true
		}
	}
	return false
}

// hasParent reports whether the property that another is a part of was written as a whole.
func hasParent(name string, written map[string]bool) bool {
	for i := strings.LastIndex(name, "."); i > 0; i = strings.LastIndex(name[:i], ".") {
		if written[name[:i]] {
			return true
		}
	}
	return false
}

// isZero reports whether a value is None or the zero value of a field.
func isZero(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case time.Time:
		return v.IsZero()
	case []byte:
		return len(v) == 0
	case []any:
		return len(v) == 0
	case *datastore.Key:
		return v == nil
	case *datastore.Entity:
		return v == nil || !slices.ContainsFunc(v.Properties, func(p datastore.Property) bool { return !isZero(p.Value) })
	}
	return reflect.ValueOf(value).IsZero()
}

// keepNones returns a list with the Nones that it was loaded with, if nothing else differs.
func keepNones(old, value any) any {
	before, ok := old.([]any)
	after, ok2 := value.([]any)
	if !ok || !ok2 || len(before) != len(after) || !slices.Contains(before, nil) {
		return value
	}
	for i := range before {
		if before[i] == nil && isZero(after[i]) {
			continue
		}
		if !equal(before[i], after[i]) {
			return value
		}
	}
	return old
}

func equal(a, b any) bool {
	x, ok := a.(time.Time)
	if y, ok2 := b.(time.Time); ok && ok2 {
		return x.Equal(y)
	}
	return reflect.DeepEqual(a, b)
}

// Get returns a loaded property, also one that the struct does not know.
func (k *Kept) Get(name string) (value any, ok bool) {
	for _, p := range k.loaded {
		if p.Name == name {
			return p.Value, true
		}
	}
	return nil, false
}

// Drop removes properties that the struct does not know from the entity, with their
// parts, when it is saved.
func (k *Kept) Drop(names ...string) {
	k.loaded = slices.DeleteFunc(slices.Clone(k.loaded), func(p datastore.Property) bool {
		return slices.ContainsFunc(names, func(name string) bool { return p.Name == name || strings.HasPrefix(p.Name, name+".") })
	})
}

// Partial says that the entity comes from a query with a projection, which loads a part of it:
// Save refuses to write it.
func (k *Kept) Partial() {
	k.read, k.refuse = true, errors.New("it comes from a projection, which is a part of the entity")
}

// maxKeyBytes bounds a key of another program.
const maxKeyBytes = 8 << 10

// URLSafe returns a key in the form of ndb's Key.urlsafe(), for links and values that the
// Python program reads; [datastore.DecodeKey] reads it too. [datastore.Key.Encode] writes
// another form, which ndb refuses. App is the id of the application as ndb knows it, such as
// "s~my-project".
//
// URLSafe returns an error if the key is incomplete.
func URLSafe(key *datastore.Key, app string) (string, error) {
	if key == nil || key.Incomplete() || app == "" {
		return "", errors.New("ndb: URLSafe needs a complete key and the id of the application")
	}
	// The message Reference of App Engine's Datastore, whose path is a group of groups.
	const (
		appField, pathField, namespaceField         = 13, 14, 20
		elementField, kindField, idField, nameField = 1, 2, 3, 4
	)
	var path []*datastore.Key
	for k := key; k != nil; k = k.Parent {
		path = append(path, k)
	}
	text := func(b []byte, field protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
	}
	b := text(nil, appField, app)
	b = protowire.AppendTag(b, pathField, protowire.BytesType)
	var elements []byte
	for _, k := range slices.Backward(path) {
		elements = protowire.AppendTag(elements, elementField, protowire.StartGroupType)
		elements = text(elements, kindField, k.Kind)
		if k.Name != "" {
			elements = text(elements, nameField, k.Name)
		} else {
			elements = protowire.AppendVarint(protowire.AppendTag(elements, idField, protowire.VarintType), uint64(k.ID))
		}
		elements = protowire.AppendTag(elements, elementField, protowire.EndGroupType)
	}
	b = protowire.AppendBytes(b, elements)
	if key.Namespace != "" {
		b = text(b, namespaceField, key.Namespace)
	}
	if len(b) > maxKeyBytes {
		return "", errors.New("ndb: the key is too long")
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}
