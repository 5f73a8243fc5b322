package sessions

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// A survey looks through a value before the CBOR library encodes it. The library
// follows a value that holds itself until the stack is exhausted, which ends the whole
// program: no recover stops that.
type survey struct {
	size    int  // of bytes that what was seen takes at least, encoded
	oddZone bool // there is a time in an odd zone
}

// maxSteps bounds the way to an item: also pointers, interfaces and embedded structs
// are steps, though encoded they are no levels. Whether what is found in fewer is
// nested too deep, skip tells.
const maxSteps = 8 * maxDepth

var errCyclic = errors.New("it holds itself, or is nested far too deep: keep the ids of what it refers to instead")

// add counts n items or bytes. So a value that refers to the same things again and
// again, which is as large as if they were others, is given up in time.
func (s *survey) add(n int) error {
	if s.size += n; s.size > maxData {
		return fmt.Errorf("%w: more than the limit of %d bytes", ErrTooLarge, maxData)
	}
	return nil
}

// look goes where the library will: into all that it encodes by itself, and not into
// what has a method for that, or is left out.
func (s *survey) look(v reflect.Value, steps int) error {
	if steps == 0 {
		return errCyclic
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return s.look(v.Elem(), steps-1)
	case reflect.String, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
		if v.Type() == timeType && v.CanInterface() {
			t, _ := reflect.TypeAssert[time.Time](v)
			s.oddZone = s.oddZone || oddZone(t)
			return nil
		}
		if encodesItself(v.Type()) {
			return nil
		}
	}
	switch v.Kind() {
	case reflect.String:
		return s.add(v.Len())
	case reflect.Slice, reflect.Array:
		return s.lookInSlice(v, steps)
	case reflect.Map:
		return s.lookInMap(v, steps)
	case reflect.Struct:
		return s.lookInStruct(v, steps)
	}
	return nil
}

func (s *survey) lookInSlice(v reflect.Value, steps int) error {
	if err := s.add(v.Len()); err != nil || scalar(v.Type().Elem().Kind()) {
		return err
	}
	for i := range v.Len() {
		if err := s.look(v.Index(i), steps-1); err != nil {
			return err
		}
	}
	return nil
}

func (s *survey) lookInMap(v reflect.Value, steps int) error {
	if err := s.add(2 * v.Len()); err != nil {
		return err
	}
	key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	for entries := v.MapRange(); entries.Next(); {
		key.SetIterKey(entries)
		if err := s.look(key, steps-1); err != nil {
			return err
		}
		value.SetIterValue(entries)
		if err := s.look(value, steps-1); err != nil {
			return err
		}
	}
	return nil
}

// lookInStruct counts no field but pointers and interfaces, which may lead to the same
// thing: others may be left out where they are empty.
func (s *survey) lookInStruct(v reflect.Value, steps int) error {
	for i := range v.NumField() {
		field := v.Field(i)
		kind := field.Kind()
		if scalar(kind) || !encoded(v.Type().Field(i)) || field.IsZero() {
			continue
		}
		if kind == reflect.Pointer || kind == reflect.Interface {
			if err := s.add(1); err != nil {
				return err
			}
		}
		if err := s.look(field, steps-1); err != nil {
			return err
		}
	}
	return nil
}

// scalar tells of the kinds behind which there is nothing.
func scalar(k reflect.Kind) bool { return k <= reflect.Complex128 }

// encoded tells whether the library encodes a field, or fields of it: those of an
// embedded struct are its own.
func encoded(f reflect.StructField) bool {
	tag := f.Tag.Get("cbor")
	if tag == "" {
		tag = f.Tag.Get("json")
	}
	if tag == "-" {
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

// encodesItself tells whether the library asks a method of t, or of a pointer to it.
func encodesItself(t reflect.Type) bool {
	if t.PkgPath() == "" && t.Kind() != reflect.Struct { // a type without a name has no methods but embedded ones
		return false
	}
	p := reflect.PointerTo(t)
	return p.Implements(marshaler) || p.Implements(binaryMarshaler)
}
