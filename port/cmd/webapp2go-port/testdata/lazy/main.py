import sys
sys.path.insert(0, 'lib')
from webapp2 import *

routes = [
    Route('/', handler='pages.RootHandler'),
    Route('/profile', handler='pages.ProfileHandler', name='profile'),
    Route('/auth/<provider>', handler='auth.views.AuthHandler:_simple_auth', name='auth_login'),
    Route('/auth/<provider>/callback', handler='auth.views.AuthHandler:_auth_callback', name='auth_callback'),
    Route('/logout', handler='auth.views.AuthHandler:logout', name='logout'),
    Route('/gone', handler='removed.Module'),
    Route('/remote', handler='google.appengine.ext.deferred.application'),
]

class MyApplication(WSGIApplication):
    pass

app = MyApplication(routes, debug=True)
