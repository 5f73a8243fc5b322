package auth

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"

	"github.com/fxamacker/cbor/v2"
)

// Properties are encoded values of the application, by key: the fields of a user that
// this package does not know. Use [Get] and [User.Set]. They are not indexed: to search
// users by a property, keep a table of your own.
type Properties map[string][]byte

// The bounds of properties.
const (
	maxProperties      = 100      // of one user
	maxPropertyKey     = 254      // bytes
	maxPropertiesBytes = 64 << 10 // keys and values together
	maxPropertyDepth   = 16       // of values in values
	maxPropertyParts   = 10_000   // values in one value
)

var (
	propertyEncoding = mustMode(cbor.EncOptions{
		Sort:        cbor.SortBytewiseLexical,
		Time:        cbor.TimeRFC3339Nano,
		TimeTag:     cbor.EncTagRequired,
		IndefLength: cbor.IndefLengthForbidden,
	}.EncMode())
	propertyDecoding = mustMode(cbor.DecOptions{
		DupMapKey:       cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels: 2 * maxPropertyDepth,
		IndefLength:     cbor.IndefLengthForbidden,
		UTF8:            cbor.UTF8DecodeInvalid, // a Go string can have any bytes
		IntDec:          cbor.IntDecConvertSignedOrFail,
		DefaultMapType:  reflect.TypeFor[map[string]any](),
	}.DecMode())
)

func mustMode[T any](mode T, err error) T {
	if err != nil {
		panic(err)
	}
	return mode
}

// Get returns the property of key as a T, and reports whether there is one that can be
// decoded as that. A nil User has none. T can be a struct, a slice or a map too. If T is
// any, integers are int64 and maps are map[string]any.
func Get[T any](u *User, key string) (T, bool) {
	var value, none T
	if u == nil {
		return none, false
	}
	data, ok := u.Properties[key]
	if !ok || propertyDecoding.Unmarshal(data, &value) != nil {
		return none, false
	}
	return value, true
}

// Set keeps a value under key, for [Get]; nil removes it. It returns an error, and changes
// nothing, for a value that cannot be encoded (a func, a channel, one that holds itself),
// for more than 100 properties, and for more than 64 KiB together.
func (u *User) Set(key string, value any) error {
	if value == nil {
		if _, ok := u.Properties[key]; ok {
			u.Properties = u.Properties.clone()
			delete(u.Properties, key)
		}
		return nil
	}
	parts := maxPropertyParts
	if err := checkProperty(reflect.ValueOf(value), maxPropertyDepth, &parts); err != nil {
		return fmt.Errorf("auth: property %.80q: %w", key, err)
	}
	data, err := propertyEncoding.Marshal(value)
	if err != nil {
		return fmt.Errorf("auth: property %.80q: %w", key, err)
	}
	next := u.Properties.clone()
	if next == nil {
		next = Properties{}
	}
	next[key] = data
	if err := next.check(); err != nil {
		return err
	}
	u.Properties = next
	return nil
}

// checkProperty returns an error for a value that is nested too deeply, as a value that
// holds itself is.
func checkProperty(v reflect.Value, depth int, parts *int) error {
	if *parts--; depth == 0 || *parts < 0 {
		return fmt.Errorf("it is nested deeper than %d, has more than %d values, or holds itself", maxPropertyDepth, maxPropertyParts)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return checkProperty(v.Elem(), depth-1, parts)
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return nil
		}
		for i := range v.Len() {
			if err := checkProperty(v.Index(i), depth-1, parts); err != nil {
				return err
			}
		}
	case reflect.Map:
		for key, value := range v.Seq2() {
			if err := errors.Join(checkProperty(key, depth-1, parts), checkProperty(value, depth-1, parts)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				if err := checkProperty(v.Field(i), depth-1, parts); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (p Properties) check() error {
	size := 0
	for key, data := range p {
		if key == "" || len(key) > maxPropertyKey {
			return fmt.Errorf("auth: %.80q cannot be the key of a property: a key has 1 to %d bytes", key, maxPropertyKey)
		}
		size += len(key) + len(data)
	}
	if len(p) > maxProperties || size > maxPropertiesBytes {
		return fmt.Errorf("auth: %d properties with %d bytes: a user can have at most %d with %d bytes in all", len(p), size, maxProperties, maxPropertiesBytes)
	}
	return nil
}

func (p Properties) clone() Properties {
	if p == nil {
		return nil
	}
	c := make(Properties, len(p))
	for key, data := range p {
		c[key] = slices.Clone(data)
	}
	return c
}

// Format prints the keys of the properties, and no values.
func (p Properties) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, fmt.Sprint(slices.Sorted(maps.Keys(p))))
}

// MarshalBinary returns the properties as one CBOR map, for a [Backend] that keeps them in
// one piece. If there are no properties, it is empty.
func (p Properties) MarshalBinary() ([]byte, error) {
	if len(p) == 0 {
		return nil, nil
	}
	values := make(map[string]cbor.RawMessage, len(p))
	for key, data := range p {
		values[key] = data
	}
	return propertyEncoding.Marshal(values)
}

// UnmarshalBinary reads what MarshalBinary returned.
func (p *Properties) UnmarshalBinary(data []byte) error {
	if len(data) == 0 {
		*p = nil
		return nil
	}
	var values map[string]cbor.RawMessage
	if err := propertyDecoding.Unmarshal(data, &values); err != nil {
		return errors.New("auth: the stored properties of a user cannot be decoded")
	}
	*p = make(Properties, len(values))
	for key, data := range values {
		(*p)[key] = data
	}
	return nil
}
