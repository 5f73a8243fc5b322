package sessions

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// A contents is what a session holds: the working copy of a request, or what a Backend has
// kept. Its texts are substrings of the one string that was read.
//
// The encoded form is a version byte and a CBOR array: the times of creation and of the
// last use (Unix milliseconds, always in eight bytes, so that both have a fixed place), the
// map of values, the array of flashes, and the user. That is version 1. Version 2 has the
// login before the values. It is used only if there is a login, so that older programs can
// read all other sessions.
type contents struct {
	created, seen int64
	login         string  // the encoded Login; empty if there is none
	remembered    bool    // a field of that Login
	values        []entry // by ascending key
	flashes       []storedFlash
	user          string
}

// An entry is a key and its encoded value.
type entry struct{ key, raw string }

const (
	versionPlain = 1  // contents without a login
	versionLogin = 2  // contents with a login
	createdAt    = 3  // where the created time stands in the encoded form
	seenAt       = 12 // where the seen time stands
	timesEnd     = 20 // where the times end
)

func (c *contents) empty() bool {
	return len(c.values) == 0 && len(c.flashes) == 0 && c.user == ""
}

func (c *contents) find(key string) (at int, found bool) {
	if len(c.values) <= 8 { // faster than a search
		for at := range c.values {
			if c.values[at].key == key {
				return at, true
			}
		}
	}
	return slices.BinarySearchFunc(c.values, key, func(e entry, key string) int {
		return strings.Compare(e.key, key)
	})
}

func (c *contents) get(key string) (raw string, found bool) {
	if at, found := c.find(key); found {
		return c.values[at].raw, true
	}
	return "", false
}

func (c *contents) set(key, raw string) {
	at, found := c.find(key)
	if found {
		c.values[at].raw = raw
		return
	}
	c.values = slices.Insert(c.values, at, entry{key, raw})
}

func (c *contents) delete(key string) {
	if at, found := c.find(key); found {
		c.values = slices.Delete(c.values, at, at+1)
	}
}

// encode appends the encoded form.
func (c *contents) encode(to []byte) []byte {
	size := timesEnd + 32 + len(c.user)
	for _, e := range c.values {
		size += len(e.key) + len(e.raw) + 5
	}
	for _, f := range c.flashes {
		size += len(f.raw) + len(f.level) + 16
	}
	version, elements := byte(versionPlain), byte(5)
	if c.login != "" {
		version, elements = versionLogin, 6
		size += len(c.login)
	}
	b := append(slices.Grow(to, size), version, cborArray<<5|elements)
	b = binary.BigEndian.AppendUint64(append(b, cborUint<<5|27), uint64(c.created))
	b = binary.BigEndian.AppendUint64(append(b, cborUint<<5|27), uint64(c.seen))
	b = append(b, c.login...)
	b = appendHead(b, cborMap, uint64(len(c.values)))
	for _, e := range c.values {
		b = append(appendText(b, e.key), e.raw...)
	}
	b = appendHead(b, cborArray, uint64(len(c.flashes)))
	for _, f := range c.flashes {
		b = f.append(b)
	}
	return appendText(b, c.user)
}

// encodedTimes reads the version and the two times of an encoded form, and checks its head.
func encodedTimes[T string | []byte](data T) (version byte, created, seen int64, err error) {
	if len(data) > maxData {
		return 0, 0, 0, fmt.Errorf("%d bytes, the limit is %d", len(data), maxData)
	}
	if len(data) < timesEnd+1 {
		return 0, 0, 0, errMalformed
	}
	elements := byte(5)
	switch version = data[0]; version {
	case versionPlain:
	case versionLogin:
		elements = 6
	default:
		return 0, 0, 0, fmt.Errorf("of version %d, this program reads versions %d and %d", version, versionPlain, versionLogin)
	}
	if data[1] != cborArray<<5|elements || data[createdAt-1] != 27 || data[seenAt-1] != 27 {
		return 0, 0, 0, errMalformed
	}
	for i := range 8 {
		created = created<<8 | int64(data[createdAt+i])
		seen = seen<<8 | int64(data[seenAt+i])
	}
	return version, created, seen, nil
}

// parse reads an encoded form into c, and uses the capacity of c.values. It checks all of
// the form but decodes no value.
func (c *contents) parse(data string) (err error) {
	var version byte
	if version, c.created, c.seen, err = encodedTimes(data); err != nil {
		return err
	}
	data = data[timesEnd:]
	if version == versionLogin {
		l, rest, err := readLogin(data)
		if err != nil {
			return err
		}
		c.login, c.remembered, data = data[:len(data)-len(rest)], l.Remembered, rest
	}
	n, data, err := readCount(data, cborMap)
	if err != nil {
		return err
	}
	if n > cap(c.values) {
		c.values = make([]entry, 0, min(n, 64))
	}
	for i := range n {
		var e entry
		if e.key, data, err = readText(data); err != nil {
			return err
		}
		rest, err := skip(data, maxDepth)
		if err != nil {
			return err
		}
		e.raw, data = data[:len(data)-len(rest)], rest
		if i > 0 && e.key <= c.values[i-1].key { // also refuses a key that is there twice
			return errMalformed
		}
		c.values = append(c.values, e)
	}
	if n, data, err = readCount(data, cborArray); err != nil {
		return err
	}
	for range n {
		var f storedFlash
		if data, err = f.parse(data); err != nil {
			return err
		}
		c.flashes = append(c.flashes, f)
	}
	if c.user, data, err = readText(data); err != nil {
		return err
	}
	if data != "" || c.login != "" && c.user == "" {
		return errMalformed
	}
	return nil
}

// loggedIn returns the Login of the session; ok is false if there is none.
func (c *contents) loggedIn() (l Login, ok bool) {
	if c.login == "" {
		return Login{}, false
	}
	l, _, err := readLogin(c.login)
	return l, err == nil
}

// Info describes the record of id. It is for authors of a [UserBackend]. Created, Seen and
// Login are read from r.Data; they are zero if that cannot be read.
func (r Record) Info(id string) SessionInfo {
	info := SessionInfo{ID: id, Expires: r.Expires}
	version, created, seen, err := encodedTimes(r.Data)
	if err != nil {
		return info
	}
	info.Created, info.Seen = time.UnixMilli(created), time.UnixMilli(seen)
	if version == versionLogin {
		info.Login, _, _ = readLogin(string(r.Data[timesEnd:min(len(r.Data), timesEnd+maxLogin)]))
	}
	return info
}

// maxData bounds an encoded session, in bytes.
const maxData = 1 << 20

var (
	encoding = encodingOf(cbor.TimeRFC3339Nano)
	// encodingUTC is for values that hold a time whose zone has seconds.
	encodingUTC = encodingOf(cbor.TimeRFC3339NanoUTC)
)

func encodingOf(times cbor.TimeMode) cbor.EncMode {
	return must(cbor.EncOptions{
		Sort:        cbor.SortBytewiseLexical, // equal values have equal bytes, so that an unchanged session is not written
		Time:        times,
		TimeTag:     cbor.EncTagRequired,
		NaNConvert:  cbor.NaNConvertNone,
		InfConvert:  cbor.InfConvertNone,
		IndefLength: cbor.IndefLengthForbidden,
	}.EncMode())
}

// secondsInZone reports whether the offset of t has seconds, as local times before there
// were time zones. RFC 3339 cannot say such an offset: the time would change.
func secondsInZone(t time.Time) bool {
	_, offset := t.Zone()
	return offset%60 != 0
}

var decoding = must(cbor.DecOptions{
	DupMapKey:        cbor.DupMapKeyEnforcedAPF,
	MaxNestedLevels:  maxDepth,
	MaxArrayElements: maxData, // the data are bounded by maxData and are checked before
	MaxMapPairs:      maxData,
	IndefLength:      cbor.IndefLengthForbidden,
	UTF8:             cbor.UTF8DecodeInvalid, // a Go string is any bytes
}.DecMode())

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err)
	}
	return mode
}

// encodeValue returns value in CBOR. decodeValue reads it.
func encodeValue(value any) (string, error) {
	var small [64]byte
	switch v := value.(type) {
	case string:
		if len(v) <= maxData {
			return string(appendText(small[:0], v)), nil
		}
	case int:
		return string(appendInt(small[:0], int64(v))), nil
	case int64:
		return string(appendInt(small[:0], v)), nil
	case bool:
		if v {
			return rawTrue, nil
		}
		return rawFalse, nil
	case time.Time:
		if v.IsZero() {
			return rawZeroTime, nil // the library would encode null
		}
		return encodeOther(value, secondsInZone(v))
	}
	s := survey{left: maxItems}
	if err := s.look(reflect.ValueOf(value), maxSteps); err != nil {
		return "", err
	}
	return encodeOther(value, s.secondsInZone)
}

// encodeOther encodes a value that does not hold itself.
func encodeOther(value any, utc bool) (string, error) {
	mode := encoding
	if utc {
		mode = encodingUTC
	}
	data, err := mode.Marshal(value)
	if err != nil {
		return "", err
	}
	if len(data) > maxData {
		return "", fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(data), maxData)
	}
	raw := string(data)
	if rest, err := skip(raw, maxDepth); err != nil {
		return "", err
	} else if rest != "" {
		return "", errMalformed
	}
	return raw, nil
}

const (
	rawFalse = "\xf4"
	rawTrue  = "\xf5"

	rawZeroTime = "\xc0\x740001-01-01T00:00:00Z"
)

// readInt reads an integer; ok is false if an int64 does not hold it.
func readInt(data string) (n int64, ok bool) {
	major, _, argument, _, err := readHead(data)
	if err != nil || major > cborNegative || argument > math.MaxInt64 {
		return 0, false
	}
	if major == cborNegative {
		return ^int64(argument), true
	}
	return int64(argument), true
}

func appendInt(to []byte, n int64) []byte {
	if n < 0 {
		return appendHead(to, cborNegative, uint64(^n))
	}
	return appendHead(to, cborUint, uint64(n))
}

// decodeValue decodes raw into *to. Common types need neither reflection nor more
// allocations than their result.
func decodeValue[T any](raw string, to *T) (err error) {
	switch to := any(to).(type) {
	case *any:
		*to, _, err = readAny(raw)
		return err
	case *string:
		if text, _, err := readText(raw); err == nil {
			*to = text
			return nil
		}
	case *int64:
		if n, ok := readInt(raw); ok {
			*to = n
			return nil
		}
	case *int:
		if n, ok := readInt(raw); ok && int64(int(n)) == n {
			*to = int(n)
			return nil
		}
	case *bool:
		if raw == rawFalse || raw == rawTrue {
			*to = raw == rawTrue
			return nil
		}
	}
	return decodeOther(raw, to)
}

// decodeOther decodes raw by the library. It has a variable of its own, so that the one of
// decodeValue's caller does not escape. Its error names types and no values, since it is
// logged.
func decodeOther[T any](raw string, to *T) error {
	var value T
	err := decoding.Unmarshal([]byte(raw), &value)
	if err == nil {
		*to = value
		return nil
	}
	if mismatch, ok := errors.AsType[*cbor.UnmarshalTypeError](err); ok {
		return fmt.Errorf("a CBOR %s is not a %s in a %T", mismatch.CBORType, mismatch.GoType, value)
	}
	return fmt.Errorf("it cannot be decoded as a %T", value)
}

// A survey goes through a value before the library encodes it. The library follows a value
// that holds itself until the stack is exhausted, which ends the program: recover does not
// stop that.
type survey struct {
	left          int  // how many more items and bytes the value may have
	secondsInZone bool // there is a time whose zone has seconds
}

const (
	// maxSteps bounds the steps to an item. Pointers, interfaces and embedded structs are
	// steps but no levels of the encoded value; skip checks the levels afterwards.
	maxSteps = 8 * maxDepth
	// maxItems bounds the items and bytes of a value, with every reference counted. It is
	// larger than maxData, since the library may leave empty fields out.
	maxItems = 4 * maxData
)

var errCyclic = errors.New("it holds itself, or is nested too deep: keep ids instead of references")

// look follows what the library follows: all but values that have a method to encode
// themselves, and fields that are left out. It returns an error if v is nested too deep,
// or if it is too large with everything that it refers to.
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
		s.secondsInZone = s.secondsInZone || secondsInZone(t)
		return nil
	}
	if encodesItself(v.Type()) {
		return nil
	}
	switch kind {
	case reflect.String:
		s.left -= v.Len()
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() <= reflect.Complex128 { // numbers and bools need no step
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

// The rest of this file reads CBOR (RFC 8949). It finds where a value ends, so that values
// can be decoded one by one, and decodes one into an any. It does not trust a length before
// it has seen that many bytes. With the library's RawMessage instead, a read of two keys
// took 1.0 µs instead of 0.2, and a write 1.8 µs instead of 0.3.

// maxDepth bounds the nesting of a value.
const maxDepth = 32

const (
	cborUint = iota
	cborNegative
	cborBytes
	cborText
	cborArray
	cborMap
	cborTag
	cborSimple
)

const (
	cborFalse   = 20
	cborTrue    = 21
	cborNull    = 22
	cborFloat32 = 26
	cborFloat64 = 27
)

var errMalformed = errors.New("malformed CBOR")

// readHead reads the head of the first item: its major type, the low bits that say how its
// argument is written, and the argument. It refuses indefinite lengths, which this package
// does not write.
func readHead(data string) (major, info byte, argument uint64, rest string, err error) {
	if data == "" {
		return 0, 0, 0, "", errMalformed
	}
	major, info = data[0]>>5, data[0]&31
	rest = data[1:]
	if info < 24 {
		return major, info, uint64(info), rest, nil
	}
	size := 1 << (info - 24)
	if info > 27 || len(rest) < size {
		return 0, 0, 0, "", errMalformed
	}
	for i := range size {
		argument = argument<<8 | uint64(rest[i])
	}
	return major, info, argument, rest[size:], nil
}

// appendHead appends the shortest head of an item.
func appendHead(to []byte, major byte, argument uint64) []byte {
	major <<= 5
	switch {
	case argument < 24:
		return append(to, major|byte(argument))
	case argument <= math.MaxUint8:
		return append(to, major|24, byte(argument))
	case argument <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(to, major|25), uint16(argument))
	case argument <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(to, major|26), uint32(argument))
	}
	return binary.BigEndian.AppendUint64(append(to, major|27), argument)
}

func appendText(to []byte, text string) []byte {
	return append(appendHead(to, cborText, uint64(len(text))), text...)
}

// skip returns what follows the first item. It checks that the item is well formed and not
// nested deeper than depth.
func skip(data string, depth int) (rest string, err error) {
	if depth == 0 {
		return "", fmt.Errorf("nested deeper than %d", maxDepth)
	}
	major, _, n, rest, err := readHead(data)
	if err != nil {
		return "", err
	}
	switch major {
	case cborBytes, cborText:
		if n > uint64(len(rest)) {
			return "", errMalformed
		}
		return rest[n:], nil
	case cborArray, cborMap, cborTag:
		if n > uint64(len(rest)) && major != cborTag { // an item has at least one byte
			return "", errMalformed
		}
		switch major {
		case cborMap:
			n *= 2
		case cborTag:
			n = 1
		}
		for range n {
			if rest, err = skip(rest, depth-1); err != nil {
				return "", err
			}
		}
	}
	return rest, nil
}

// readText reads a text item.
func readText(data string) (text, rest string, err error) {
	major, _, n, rest, err := readHead(data)
	if err != nil || major != cborText || n > uint64(len(rest)) {
		return "", "", errMalformed
	}
	return rest[:n], rest[n:], nil
}

// readCount reads the head of an array or a map, and returns the number of its items.
func readCount(data string, want byte) (n int, rest string, err error) {
	major, _, count, rest, err := readHead(data)
	if err != nil || major != want || count > uint64(len(rest)) {
		return 0, "", errMalformed
	}
	return int(count), rest, nil
}

// readAny decodes the first item, which skip has checked, into one of the types that
// [Session] names.
func readAny(data string) (value any, rest string, err error) {
	major, info, n, rest, err := readHead(data)
	if err != nil {
		return nil, "", err
	}
	switch major {
	case cborUint:
		if n > math.MaxInt64 {
			return n, rest, nil
		}
		return int64(n), rest, nil
	case cborNegative:
		if n > math.MaxInt64 {
			return nil, "", errors.New("an integer below the least int64")
		}
		return ^int64(n), rest, nil
	case cborBytes, cborText:
		if n > uint64(len(rest)) {
			return nil, "", errMalformed
		}
		if major == cborText {
			return rest[:n], rest[n:], nil
		}
		return []byte(rest[:n]), rest[n:], nil
	case cborArray:
		return readArray(n, rest)
	case cborMap:
		return readMap(n, rest)
	case cborTag:
		return readTime(n, rest)
	}
	switch info {
	case cborFalse, cborTrue:
		return info == cborTrue, rest, nil
	case cborNull:
		return nil, rest, nil
	case cborFloat32:
		return float64(math.Float32frombits(uint32(n))), rest, nil
	case cborFloat64:
		return math.Float64frombits(n), rest, nil
	}
	return nil, "", fmt.Errorf("a simple value of kind %d", info)
}

func readArray(n uint64, data string) (value any, rest string, err error) {
	if n > uint64(len(data)) {
		return nil, "", errMalformed
	}
	array := make([]any, n)
	for i := range array {
		if array[i], data, err = readAny(data); err != nil {
			return nil, "", err
		}
	}
	return array, data, nil
}

func readMap(n uint64, data string) (value any, rest string, err error) {
	if n > uint64(len(data)) {
		return nil, "", errMalformed
	}
	object := make(map[string]any, n)
	for range n {
		key, rest, err := readText(data)
		if err != nil {
			return nil, "", errors.New("a map whose keys are not strings: use the function Get")
		}
		if object[key], data, err = readAny(rest); err != nil {
			return nil, "", err
		}
	}
	return object, data, nil
}

// readTime reads what follows a tag. This package writes only tag 0, a time in the form of
// RFC 3339.
func readTime(tag uint64, data string) (value any, rest string, err error) {
	if tag != 0 {
		return nil, "", fmt.Errorf("a value of CBOR tag %d: use the function Get", tag)
	}
	text, rest, err := readText(data)
	if err != nil {
		return nil, "", err
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, rest, err
}
