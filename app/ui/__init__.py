"""What all pages of the web UI share: the gate before their events, the frame around them, the words they use."""
