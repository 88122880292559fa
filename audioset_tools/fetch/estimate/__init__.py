"""What a fetch would take, before anything is sent or made."""
