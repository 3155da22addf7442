import java.security.MessageDigest;
import javax.security.sasl.AuthenticationException;
import org.apache.hive.service.auth.PasswdAuthenticationProvider;

/** Lets in the one user of this server; its name and password are in the server's environment. */
public class Password implements PasswdAuthenticationProvider {
  @Override
  public void Authenticate(String user, String password) throws AuthenticationException {
    if (!same(user, "LUPUS_SERVICE_USER") || !same(password, "LUPUS_SERVICE_PASSWORD")) {
      throw new AuthenticationException("wrong user or password");
    }
  }

  private static boolean same(String given, String variable) {
    return MessageDigest.isEqual(given.getBytes(), System.getenv(variable).getBytes());
  }
}
