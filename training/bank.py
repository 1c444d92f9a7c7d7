class Bank: pass
class ClipBank: pass
