package sessions

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// The parts of CBOR (RFC 8949) that every read needs: finding where a value ends,
// so that values can be decoded one by one, and decoding one into an any. Nothing
// here allocates by a count that the data only claims to have.

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

// head splits off the head of the first item: its major type, the low bits that say
// how its argument is written, and the argument. Indefinite lengths are refused:
// this package does not write them.
func head(data string) (major, info byte, argument uint64, rest string, err error) {
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

// skip returns what follows the first item, all of which is well formed and at most
// depth deep.
func skip(data string, depth int) (rest string, err error) {
	if depth == 0 {
		return "", fmt.Errorf("nested deeper than %d", maxDepth)
	}
	major, _, n, rest, err := head(data)
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
		if n > uint64(len(rest)) && major != cborTag { // an item is a byte at least
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
	major, _, n, rest, err := head(data)
	if err != nil || major != cborText || n > uint64(len(rest)) {
		return "", "", errMalformed
	}
	return rest[:n], rest[n:], nil
}

// readCount reads the head of an array or a map and returns how many it holds.
func readCount(data string, want byte) (n int, rest string, err error) {
	major, _, count, rest, err := head(data)
	if err != nil || major != want || count > uint64(len(rest)) {
		return 0, "", errMalformed
	}
	return int(count), rest, nil
}

// readAny decodes the first item, which skip has accepted, into what Get promises:
// nil, bool, int64, uint64 above it, float64, string, []byte, time.Time, []any or
// map[string]any.
func readAny(data string) (value any, rest string, err error) {
	major, info, n, rest, err := head(data)
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
			return nil, "", errors.New("a map whose keys are no strings: use Get[T]")
		}
		if object[key], data, err = readAny(rest); err != nil {
			return nil, "", err
		}
	}
	return object, data, nil
}

// readTime reads what follows a tag; the only one of ours is 0, a time in the form
// of RFC 3339.
func readTime(tag uint64, data string) (value any, rest string, err error) {
	if tag != 0 {
		return nil, "", fmt.Errorf("a value of CBOR tag %d: use Get[T]", tag)
	}
	text, rest, err := readText(data)
	if err != nil {
		return nil, "", err
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, rest, err
}
