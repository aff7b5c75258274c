package view

import (
	"context"
	"maps"
	"strconv"
)

// AccessMatrix shows who has which roles where: IAM roles in rows, organisations in columns.
type AccessMatrix struct {
	Page
	List      List // sort: name; its Filters hold organisation and columns, the page of Columns
	Columns   []MatrixColumn
	Wide      List // Columns within all organisations that match
	Rows      []MatrixRow
	CanCreate bool
	CanEdit   bool // a cell leads to where it is changed, else to where it is shown
}

func accessLinks(ctx context.Context, matrix bool) []Link {
	links := []Link{{say(ctx, "List"), AccessPath}}
	if matrix {
		links = append(links, Link{say(ctx, "Matrix"), AccessMatrixPath})
	}
	return append(links, Link{say(ctx, "Loose ends"), LooseEndsPath}, Link{say(ctx, "Requests"), RequestsPath})
}

// MatrixColumn is an organisation.
type MatrixColumn struct {
	ID, Name    string
	Deactivated bool
}

// MatrixRow is an IAM role; Cells stand in the order of the columns.
type MatrixRow struct {
	ID, Name string
	System   []string // names of its roles in the whole system
	Cells    [][]string
}

func (v AccessMatrix) cellHref(r MatrixRow) string {
	if v.CanEdit {
		return AccessEditPath(r.ID)
	}
	return AccessItemPath(r.ID)
}

// label names the column where rows are cards.
func (c MatrixColumn) label(ctx context.Context) string {
	if c.Deactivated {
		return say(ctx, "Deactivated: %s", c.Name) // the end of a long name is cut off
	}
	return c.Name
}

// columnsHref is the same page with other columns.
func (v AccessMatrix) columnsHref(page int) string {
	l := v.List
	l.Filters = maps.Clone(l.Filters)
	l.Filters.Set("columns", "")
	if page > 1 {
		l.Filters.Set("columns", strconv.Itoa(page))
	}
	return l.pageHref(l.Page)
}

// chosen tells whether somebody searched.
func (v AccessMatrix) chosen() bool {
	return v.List.Query != "" || v.List.Filters.Get("organisation") != ""
}

// matrixNames is how many roles a cell names.
const matrixNames = 2
