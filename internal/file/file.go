// Package file puts files in their places whole or not at all. Errors name the file that was asked for, never the one on
// the way to it.
package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Private is for its owner alone: the mode of what may hold a secret.
const Private fs.FileMode = 0o600

// Replace puts content in the place of path, as Write does.
func Replace(path string, content []byte, mode fs.FileMode) error {
	return Write(path, mode, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// Write puts what content writes in the place of path, on disk before it returns. What is there keeps its mode and its owner,
// whom a file of another's would shut out; a new file gets mode. Its folder must be there. Where content fails, so does Write,
// and what was there stays.
func Write(path string, mode fs.FileMode, content func(io.Writer) error) error {
	there, err := os.Lstat(path)
	isFile := err == nil && there.Mode().IsRegular() // what a link says is not ours to go by
	if isFile {
		mode = there.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".portico-*") // 0600
	if err != nil {
		return cannotWrite(path, err)
	}
	err = content(f)
	if err == nil && isFile {
		err = keepOwner(f, there)
	}
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return cannotWrite(path, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// CheckWritable tells whether Replace could write path.
func CheckWritable(path string) error {
	probe, err := os.CreateTemp(filepath.Dir(path), ".portico-*")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

func cannotWrite(path string, err error) error {
	var opening *fs.PathError
	var renaming *os.LinkError
	switch {
	case errors.As(err, &renaming):
		err = renaming.Err
	case errors.As(err, &opening):
		err = opening.Err
	}
	return fmt.Errorf("%s can't be written: %w", path, err)
}

// ReadBounded reads a file of at most so many bytes.
func ReadBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Bounded(f, path, most)
}

// Bounded reads at most so many bytes; of more it says whose they are.
func Bounded(r io.Reader, name string, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s: expected at most %d bytes", name, most)
	}
	return text, err
}
