package policy

import (
	"context"
	"errors"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
)

// EndsSoon is how long a mapping must still count for somebody who administers by it to be counted upon: as long as who was
// seen is remembered.
const EndsSoon = 90 * 24 * time.Hour

// endCame is who ends a mapping when its time is over.
const endCame = access.OwnSubject + "its end came"

// maxEndsRecorded bounds one change.
const maxEndsRecorded = 500

// RecordEnds records the mappings that ended, each once however many replicas there are. That they count no more does not wait
// for it. It is to be called every second or so.
func (s *Service) RecordEnds(ctx context.Context) error {
	if len(s.Snapshot().Unrecorded(s.Now())) == 0 {
		return nil
	}
	_, err := s.change(ctx, nil, Seen{}, func(now *access.Snapshot) (access.Change, error) {
		c := access.Change{By: endCame, At: s.Now()}
		c.RecordEnds = now.Unrecorded(c.At)
		if len(c.RecordEnds) == 0 { // another replica was faster
			return c, errUnchanged
		}
		c.RecordEnds = c.RecordEnds[:min(len(c.RecordEnds), maxEndsRecorded)]
		return c, nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// endedRecord is the metadata of the entry of a mapping that ended.
type endedRecord struct {
	Ended endedPlacement `json:"ended"`
}

type endedPlacement struct {
	At           string          `json:"at"`
	Organisation placementRecord `json:"organisation"` // without an id: the whole system
}

// entryOfEnd records that what an IAM role gave in one place ended.
func (s *Service) entryOfEnd(now *access.Snapshot, at access.Placement, by string) history.Entry {
	row := now.IAMRole(at.IAMRole)
	place := recordPlacement(now, row, at.Organisation)
	place.End = "" // it stands beside it
	return s.History.New(history.Entry{
		Action: history.Deactivated, EntityType: history.STSIAMRole, EntityID: string(row.ID), Name: row.Name, Source: history.SourceSTS, User: by,
		Metadata: history.Details(endedRecord{endedPlacement{recordTime(row.Ends[at.Organisation].At), place}}),
	})
}

func recordTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
