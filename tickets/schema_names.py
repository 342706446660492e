"""What the enums of this app are called in the API's description. Read before the apps are there: it imports nothing."""

ENUMS = {
    "AccountKind": "tickets.states.AccountKind",
    "AssignmentRole": "tickets.states.AssignmentRole",
    "Channel": "tickets.states.Channel",
    "ClockName": "tickets.states.ClockName",
    "ClockState": "tickets.reading.deadlines.ClockState",
    "ContactResult": "tickets.moves.work.ContactResult",
    "Outcome": "tickets.states.Outcome",
    "Party": "tickets.moves.inputs.Party",
    "PhotoKind": "tickets.models.photo.PhotoKind",
    "RejectBranch": "tickets.moves.endings.RejectBranch",
    "Satisfaction": "tickets.states.Satisfaction",
    "Secrecy": "tickets.states.Secrecy",
    "State": "tickets.states.State",
    "SupervisionKind": "tickets.states.SupervisionKind",
    "TicketType": "tickets.states.TicketType",
}
