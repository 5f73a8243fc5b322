package sessions

import (
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// maxData bounds an encoded session. It is what the largest backends can hold.
const maxData = 1 << 20

var encoding = must(cbor.EncOptions{
	Sort:        cbor.SortBytewiseLexical, // equal values have equal bytes, so that what is unchanged is seen to be
	Time:        cbor.TimeRFC3339Nano,
	TimeTag:     cbor.EncTagRequired,
	IndefLength: cbor.IndefLengthForbidden,
}.EncMode())

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
			return "\xf5", nil
		}
		return "\xf4", nil
	}
	data, err := encoding.Marshal(value)
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

func appendInt(to []byte, n int64) []byte {
	if n < 0 {
		return appendHead(to, cborNegative, uint64(^n))
	}
	return appendHead(to, cborUint, uint64(n))
}

// decodeValue decodes raw into *to. The usual types need no reflection and no
// allocation but that of their result.
func decodeValue[T any](raw string, to *T) error {
	switch to := any(to).(type) {
	case *any:
		v, _, err := readAny(raw)
		*to = v
		return err
	case *string:
		return decodeAs(raw, to)
	case *int64:
		return decodeAs(raw, to)
	case *bool:
		return decodeAs(raw, to)
	case *float64:
		return decodeAs(raw, to)
	case *time.Time:
		return decodeAs(raw, to)
	case *int:
		var n int64
		if err := decodeAs(raw, &n); err != nil {
			return err
		}
		if *to = int(n); int64(*to) != n {
			return fmt.Errorf("%d does not fit in an int", n)
		}
		return nil
	}
	return decodeOther(raw, to)
}

// decodeAs decodes a type that readAny yields.
func decodeAs[T any](raw string, to *T) error {
	value, _, err := readAny(raw)
	if err != nil || value == nil {
		return err
	}
	v, ok := value.(T)
	if !ok {
		return fmt.Errorf("it is of type %T, not %T", value, *to)
	}
	*to = v
	return nil
}

// decodeOther has a variable of its own, so that the one of decodeValue's caller
// does not escape.
func decodeOther[T any](raw string, to *T) error {
	var value T
	if err := decoding.Unmarshal([]byte(raw), &value); err != nil {
		return err
	}
	*to = value
	return nil
}
