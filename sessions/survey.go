package sessions

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// A survey looks through a value before the CBOR library encodes it. The library follows
// a value that holds itself until the stack is exhausted, which ends the whole program:
// recover does not stop that.
type survey struct {
	left    int  // how many more items and bytes the value may have
	oddZone bool // there is a time in an odd zone
}

const (
	// maxSteps bounds the way to an item. Pointers, interfaces and embedded structs are
	// steps too, though encoded they are no levels; skip checks the levels afterwards.
	maxSteps = 8 * maxDepth
	// maxItems bounds what a survey counts. A value may have more items than an encoded
	// session has bytes, since empty fields may be left out.
	maxItems = 4 * maxData
)

var errCyclic = errors.New("it holds itself, or is nested far too deep: keep the ids of what it refers to instead")

// look goes where the library goes: into everything but values that have a method to
// encode themselves, and fields that are left out. It returns an error if v is nested too deep
// or, with everything that it refers to, too large.
func (s *survey) look(v reflect.Value, steps int) (err error) {
	if steps == 0 {
		return errCyclic
	}
	if s.left--; s.left < 0 {
		return fmt.Errorf("%w: it has more than %d items and bytes", ErrTooLarge, maxItems)
	}
	kind := v.Kind()
	switch kind {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return s.look(v.Elem(), steps-1)
	case reflect.String, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
	default:
		return nil
	}
	if v.Type() == timeType && v.CanInterface() {
		t, _ := reflect.TypeAssert[time.Time](v)
		s.oddZone = s.oddZone || oddZone(t)
		return nil
	}
	if encodesItself(v.Type()) {
		return nil
	}
	switch kind {
	case reflect.String:
		s.left -= v.Len()
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() <= reflect.Complex128 { // numbers and bools lead to nothing
			s.left -= v.Len()
			return nil
		}
		for i := 0; i < v.Len() && err == nil; i++ {
			err = s.look(v.Index(i), steps-1)
		}
	case reflect.Map:
		for entries := v.MapRange(); err == nil && entries.Next(); {
			if err = s.look(entries.Key(), steps-1); err == nil {
				err = s.look(entries.Value(), steps-1)
			}
		}
	case reflect.Struct:
		for i := 0; i < v.NumField() && err == nil; i++ {
			if encoded(v.Type().Field(i)) {
				err = s.look(v.Field(i), steps-1)
			}
		}
	}
	return err
}

// encoded reports whether the library encodes a field, or the fields of it if it is an
// embedded struct.
func encoded(f reflect.StructField) bool {
	if cmp.Or(f.Tag.Get("cbor"), f.Tag.Get("json")) == "-" {
		return false
	}
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return f.IsExported() || f.Anonymous && t.Kind() == reflect.Struct
}

var (
	timeType        = reflect.TypeFor[time.Time]()
	marshaler       = reflect.TypeFor[cbor.Marshaler]()
	binaryMarshaler = reflect.TypeFor[interface{ MarshalBinary() ([]byte, error) }]()
)

// encodesItself reports whether the library calls a method of t, or of a pointer to t.
func encodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(marshaler) || p.Implements(binaryMarshaler)
}
