import webapp2
import common

class Home(common.Base):
    def get(self): pass

application = webapp2.WSGIApplication([
    webapp2.Route('/', Home, name='home'),
    webapp2.Route('/admin/', Home),
    webapp2.Route('/moved', webapp2.RedirectHandler, defaults={'_uri': '/', '_code': 302}),
])

def main():
    application.run()

if __name__ == '__main__':
    main()
