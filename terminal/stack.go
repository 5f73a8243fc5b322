package terminal

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
)

// A frame is one function of a stack.
type frame struct {
	function string // with its package, without the arguments
	place    string // file:line
}

// stack shows the frames of the program itself first, then the others. If the stack cannot
// be parsed, it is shown as it is.
func (o *output) stack(stack string) string {
	if stack == "" {
		return ""
	}
	frames := parseStack(stack)
	if frames == nil {
		return "    " + strings.ReplaceAll(clean(strings.TrimSpace(stack)), "\n", "\n    ") + "\n"
	}
	var own, others strings.Builder
	for _, f := range frames {
		if f.own() {
			own.WriteString("    " + o.paint(bold, oneLine(f.place)) + "  " + oneLine(f.function) + "\n")
		} else {
			others.WriteString("      " + o.paint(dim, oneLine(f.place)+"  "+oneLine(f.function)) + "\n")
		}
	}
	return own.String() + others.String()
}

// parseStack reads what runtime/debug.Stack returns: a line for the goroutine, and then two
// lines for each frame. It leaves out what comes before a panic.
func parseStack(stack string) (frames []frame) {
	lines := strings.Split(strings.TrimSpace(stack), "\n")
	for i := 1; i+1 < len(lines); i += 2 {
		place, indented := strings.CutPrefix(lines[i+1], "\t")
		if !indented {
			return nil
		}
		place, _, _ = strings.Cut(place, " +0x")
		function := lines[i]
		if arguments := strings.LastIndexByte(function, '('); arguments > 0 && strings.HasSuffix(function, ")") {
			function = function[:arguments]
		}
		if function == "panic" {
			frames = nil // the frames until here handle the panic
			continue
		}
		frames = append(frames, frame{function, relative(place)})
	}
	return frames
}

// relative returns a place with the path of its file from the working directory, if it is
// there.
func relative(place string) string {
	folder, err := os.Getwd()
	if err != nil {
		return place
	}
	if path, err := filepath.Rel(folder, place); err == nil && filepath.IsLocal(path) {
		return path
	}
	return place
}

// frameworkPackage is the package whose frames are never those of the program, even in
// programs of this module.
const frameworkPackage = "github.com/webapp2go/webapp2go/framework"

// mainModule is the path of the module of the program.
var mainModule = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Path
	}
	return ""
})

// own reports whether a frame is of the program itself: of package main, or of its module.
func (f frame) own() bool {
	name := strings.TrimPrefix(f.function, "created by ")
	folder := strings.LastIndexByte(name, '/') + 1
	last, _, _ := strings.Cut(name[folder:], ".")
	path := name[:folder] + last
	if path == "main" {
		return true
	}
	module := mainModule()
	return module != "" && path != frameworkPackage && (path == module || strings.HasPrefix(path, module+"/"))
}
