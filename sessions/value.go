package sessions

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// maxData bounds an encoded session. It is what the largest backends can hold.
const maxData = 1 << 20

var (
	encoding = encodingOf(cbor.TimeRFC3339Nano)
	// encodingUTC is for values that hold a time in an odd zone.
	encodingUTC = encodingOf(cbor.TimeRFC3339NanoUTC)
)

func encodingOf(times cbor.TimeMode) cbor.EncMode {
	return must(cbor.EncOptions{
		Sort:        cbor.SortBytewiseLexical, // equal values have equal bytes, so that what is unchanged is seen to be
		Time:        times,
		TimeTag:     cbor.EncTagRequired,
		NaNConvert:  cbor.NaNConvertNone,
		InfConvert:  cbor.InfConvertNone,
		IndefLength: cbor.IndefLengthForbidden,
	}.EncMode())
}

// oddZone tells whether the offset of t has seconds, as before there were time zones.
// RFC 3339 has none: the time would be another.
func oddZone(t time.Time) bool {
	_, offset := t.Zone()
	return offset%60 != 0
}

var decoding = must(cbor.DecOptions{
	DupMapKey:        cbor.DupMapKeyEnforcedAPF,
	MaxNestedLevels:  maxDepth,
	MaxArrayElements: maxData, // the data itself is bounded by maxData, and is checked to be whole before this
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

// encodeValue returns value in CBOR, which decodeValue can read.
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
			return rawZeroTime, nil // the library's is null
		}
		return encodeOther(value, oddZone(v))
	}
	s := survey{left: maxItems}
	if err := s.look(reflect.ValueOf(value), maxSteps); err != nil {
		return "", err
	}
	return encodeOther(value, s.oddZone)
}

// encodeOther encodes what does not hold itself.
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

// readInt reads an integer that an int64 holds.
func readInt(data string) (n int64, ok bool) {
	major, _, argument, _, err := head(data)
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

// decodeValue decodes raw into *to. The usual types need no reflection, and no
// allocation but that of their result.
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

// decodeOther has a variable of its own, so that the one of decodeValue's caller
// does not escape. Its error tells types, not values: it goes to the log.
func decodeOther[T any](raw string, to *T) error {
	var value T
	err := decoding.Unmarshal([]byte(raw), &value)
	if err == nil {
		*to = value
		return nil
	}
	if mismatch, ok := errors.AsType[*cbor.UnmarshalTypeError](err); ok {
		return fmt.Errorf("a CBOR %s is no %s in a %T", mismatch.CBORType, mismatch.GoType, value)
	}
	return fmt.Errorf("it cannot be decoded as a %T", value)
}
